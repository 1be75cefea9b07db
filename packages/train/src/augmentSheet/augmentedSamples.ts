import type { Preprocessing } from "@fracture/resnet";
import { capture, type Device } from "@fracture/tensor";
import { augmentedView, type Augmentation, type SampleView } from "../data/augment.ts";
import type { LoadedPictures } from "../data/loadPictures.ts";
import { PictureFeed } from "../data/pictureFeed.ts";
import { PictureStore } from "../data/store.ts";

/** A training picture before and after augmentation. */
export interface AugmentedSample {
  readonly path: string;
  /** [size, size, 3], 0 to 255: what the network sees without augmentation. */
  readonly plain: Uint8Array;
  readonly draws: readonly AugmentedDraw[];
}

export interface AugmentedDraw {
  /** Counts from 0. */
  readonly epoch: number;
  /** What was drawn. */
  readonly view: SampleView;
  /** [size, size, 3], 0 to 255: what the network sees in that epoch. */
  readonly pixels: Uint8Array;
}

/** Some of the training pictures, on the host. */
export interface ChosenPictures {
  /** [n] */
  readonly paths: readonly string[];
  /** [n] Their places among the training pictures: what is drawn for a picture depends on its own. */
  readonly places: readonly number[];
  /** [n, size, size, channels] */
  readonly pictures: Pick<LoadedPictures, "data" | "size" | "channels">;
}

export interface AugmentedSamplesOptions {
  readonly preprocessing: Pick<Preprocessing, "mean" | "std">;
  readonly augmentation: Augmentation;
  readonly seed: number;
  /** Epochs to show, from the first on. */
  readonly draws: number;
}

/** What training would see of pictures in its first epochs: by the same kernel, with the same draws. */
export async function augmentedSamples(
  device: Device,
  { paths, places, pictures }: ChosenPictures,
  { preprocessing, augmentation, seed, draws }: AugmentedSamplesOptions,
): Promise<AugmentedSample[]> {
  const { data, size, channels } = pictures;
  const { mean, std } = preprocessing;
  using store = new PictureStore({ device, count: paths.length, height: size, width: size, channels });
  const bytes = size * size * channels;
  paths.forEach((_, i) => store.write(i, data.subarray(i * bytes, (i + 1) * bytes)));
  const rendered = async (shown: Augmentation | null, epochs: readonly number[]): Promise<Uint8Array[][]> => {
    const feed = new PictureFeed({ store, size, augmentation: shown, seed, mean, std, places });
    const batch = feed.batch(paths.length);
    const program = await capture(device, () => batch.tensor());
    const all = paths.map((_, i) => i);
    try {
      const looks: Uint8Array[][] = [];
      for (const epoch of epochs) {
        batch.load(all, epoch);
        program.replay();
        looks.push(levelsOf(await program.result.data(), paths.length, preprocessing));
      }
      return looks;
    } finally {
      program.result.dispose();
      program.dispose();
      batch.dispose();
    }
  };
  const [plain] = await rendered(null, [0]);
  const epochs = Array.from({ length: draws }, (_, epoch) => epoch);
  const looks = await rendered(augmentation, epochs);
  return paths.map((path, i) => ({
    path,
    plain: plain![i]!,
    draws: epochs.map((epoch) => ({
      epoch,
      view: augmentedView(augmentation, store, { seed, epoch, sample: places[i]! }),
      pixels: looks[epoch]![i]!,
    })),
  }));
}

/** Pictures out of a normalised batch [n, size, size, 3]. */
function levelsOf(
  batch: ArrayLike<number>,
  count: number,
  { mean, std }: Pick<Preprocessing, "mean" | "std">,
): Uint8Array[] {
  const each = batch.length / count;
  return Array.from({ length: count }, (_, row) =>
    Uint8Array.from({ length: each }, (_pixel, i) => {
      const level = batch[row * each + i]! * std[i % 3]! + mean[i % 3]!;
      return Math.max(0, Math.min(255, Math.round(255 * level)));
    }),
  );
}

/** The places of `count` samples, the classes in turn, evenly spread through each. */
export function spreadPlaces(labels: readonly number[], count: number): number[] {
  const members: number[][] = [];
  labels.forEach((label, place) => (members[label] ??= []).push(place));
  const classes = Object.values(members); // those that have any
  const places = Array.from({ length: Math.min(count, labels.length) }, (_, row) => {
    const [own, round] = [classes[row % classes.length]!, Math.floor(row / classes.length)];
    const rounds = Math.ceil((count - (row % classes.length)) / classes.length);
    return own[Math.floor(((round + 0.5) * own.length) / rounds)]!;
  });
  return [...new Set(places)];
}
