import { input, type Device, type Tensor } from "@fracture/tensor";
import type { Part } from "@fracture/resnet";
import type { FeatureCache } from "./featureCache.ts";

/** The inputs of one captured program: `load` writes them, `tensor` is what the program computes on. */
export interface FeedBatch {
  /** Called while the program is captured: the batch [n, ...], perhaps the result of kernels on inputs. */
  tensor(): Tensor;
  /** Puts samples into the inputs, before a replay. `epoch` counts from 0 and decides how a sample is augmented. */
  load(samples: readonly number[], epoch: number): void;
  dispose(): void;
}

/** Where a program's batches come from: pictures, or features of a frozen prefix. */
export interface Feed {
  /** The part whose output is delivered; null for pictures. */
  readonly delivers: Part | null;
  batch(size: number): FeedBatch;
}

/** Cached features. */
export class FeatureFeed implements Feed {
  readonly delivers: Part;
  readonly #device: Device;
  readonly #cache: FeatureCache;

  constructor(device: Device, delivers: Part, cache: FeatureCache) {
    this.#device = device;
    this.delivers = delivers;
    this.#cache = cache;
  }

  batch(size: number): FeedBatch {
    const { shape, dtype } = this.#cache;
    const x = input([size, ...shape], { device: this.#device, dtype });
    return {
      tensor: () => x,
      load: (samples) => this.#cache.load(samples, x),
      dispose: () => x.dispose(),
    };
  }
}
