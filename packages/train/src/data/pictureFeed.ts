import {
  autocastEnabled,
  input,
  packViews,
  pictureWords,
  renderViews,
  VIEW_WORDS,
  type Normalization,
} from "@fracture/tensor";
import type { Feed, FeedBatch } from "../loop/feeds.ts";
import { augmentedView, checkAugmentation, plainView, type Augmentation } from "./augment.ts";
import { PictureStoreError, type PictureStore } from "./store.ts";

export interface PictureFeedOptions extends Normalization {
  readonly store: PictureStore;
  /** Height and width of what the network sees. */
  readonly size: number;
  /** null: pictures as they are, their middle square resized to `size`; one that is `size` x `size` already passes untouched. */
  readonly augmentation: Augmentation | null;
  /** Decides, with the epoch and the sample's place, how a sample is augmented. */
  readonly seed: number;
  /** [count] The samples' places, where the store holds some of many. Default: their places in the store. */
  readonly places?: readonly number[];
}

/**
 * Batches of pictures out of a store: the wanted ones are copied on the device, and one kernel of the captured program augments
 * and normalises them. Per step only the views' parameters are written from the host.
 */
export class PictureFeed implements Feed {
  readonly delivers = null;
  readonly #options: PictureFeedOptions;

  /** Throws an AugmentationError. */
  constructor(options: PictureFeedOptions) {
    if (options.augmentation) checkAugmentation(options.augmentation);
    this.#options = options;
  }

  /** A batch [n, size, size, 3], f16 under `autocast`. Not inside `capture`. */
  batch(n: number): FeedBatch {
    const { store, size } = this.#options;
    const { device } = store;
    const pictures = input([n, pictureWords(store)], { device, dtype: "u32" });
    const views = input([n, VIEW_WORDS], { device, dtype: "u32" });
    return {
      tensor: () => {
        const { mean, std } = this.#options;
        const { height, width, channels } = store;
        // What the first product reads, without a cast.
        const dtype = autocastEnabled() ? "f16" : "f32";
        return renderViews(pictures, views, { height, width, channels, size, mean, std, dtype });
      },
      load: (samples, epoch) => {
        if (samples.length !== n) throw new PictureStoreError(`a batch of ${n} can't take ${samples.length} samples`);
        store.load(samples, pictures);
        device.writeBytes(views.storage, this.#views(samples, epoch));
      },
      dispose: () => {
        pictures.dispose();
        views.dispose();
      },
    };
  }

  /** The words of the views of samples, which lie in the batch's rows. */
  #views(samples: readonly number[], epoch: number): Uint32Array<ArrayBuffer> {
    const { store, size, augmentation, seed, places } = this.#options;
    const views = samples.map((sample, picture) => {
      const source = { seed, epoch, sample: places?.[sample] ?? sample };
      const view = augmentation ? augmentedView(augmentation, store, source) : plainView(store);
      // torchvision turns the contrast about the mean of what is shown, after the brightness: the whole picture's is near, and known.
      const pivot = Math.min(1, store.meanOf(sample) * (view.brightness ?? 1));
      return { ...view, picture, pivot };
    });
    return packViews(views, size);
  }
}
