import { randomNormals, randomUniform, seedWords, type RandomSequence } from "@fracture/kernels";
import type { Device } from "../device.ts";
import { sizeOf, type Shape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { tensor } from "../create.ts";

/**
 * A seeded source of random tensors: the n-th tensor drawn is a pure function of (seed, n), by Philox 4x32-10 (Salmon et
 * al. 2011), the same on every device.
 */
export class Generator {
  readonly seed: number;
  #stream = 0;

  constructor(seed: number) {
    this.seed = seed;
  }

  /** Values in [low, high). */
  uniform(shape: Shape, low: number, high: number): Float32Array<ArrayBuffer> {
    return randomUniform(this.#next(), sizeOf(shape)).map((u) => low + (high - low) * u);
  }

  /** Normal values. */
  normal(shape: Shape, mean = 0, deviation = 1): Float32Array<ArrayBuffer> {
    return randomNormals(this.#next(), sizeOf(shape)).map((z) => mean + deviation * z);
  }

  #next(): RandomSequence {
    return { seed: seedWords(this.seed), stream: [this.#stream++, 0] };
  }
}

/** Where a layer's weights live, and what they are drawn from. */
export interface InitOptions {
  readonly device: Device;
  /** null leaves weights at zero: for a model whose weights are loaded next. */
  readonly generator: Generator | null;
}

interface RandomOptions {
  readonly device: Device;
  readonly generator: Generator;
}

/** Normal random values (torch's `randn`). */
export const randn = (shape: Shape, { device, generator }: RandomOptions): Tensor =>
  tensor(generator.normal(shape), { device, shape });

/** Uniform random values in [0, 1) (torch's `rand`). */
export const rand = (shape: Shape, { device, generator }: RandomOptions): Tensor =>
  tensor(generator.uniform(shape, 0, 1), { device, shape });

/** Inputs and outputs that meet in one unit of a weight [out, ...kernel, in] (filters) or [out, in]. */
function fans(shape: Shape): { fanIn: number; fanOut: number } {
  const kernel = sizeOf(shape.slice(1, -1));
  return { fanIn: kernel * shape.at(-1)!, fanOut: kernel * shape[0]! };
}

/** Kaiming normal, fan out, for relu: sqrt(2 / fan_out), as torchvision initialises ResNet's convolutions (He et al. 2015). */
export function kaimingNormal(shape: Shape, generator: Generator | null): Float32Array<ArrayBuffer> {
  if (!generator) return new Float32Array(sizeOf(shape));
  return generator.normal(shape, 0, Math.sqrt(2 / fans(shape).fanOut));
}

/** torch's default for Linear and Conv2d: uniform in +-1/sqrt(fan_in) (kaiming_uniform with a = sqrt(5)). */
export function kaimingUniform(shape: Shape, generator: Generator | null): Float32Array<ArrayBuffer> {
  if (!generator) return new Float32Array(sizeOf(shape));
  const bound = 1 / Math.sqrt(fans(shape).fanIn);
  return generator.uniform(shape, -bound, bound);
}

/** torch's default for a bias: uniform in +-1/sqrt(fan_in) of its weight. */
export function biasUniform(weight: Shape, generator: Generator | null): Float32Array<ArrayBuffer> {
  if (!generator) return new Float32Array(weight[0]!);
  const bound = 1 / Math.sqrt(fans(weight).fanIn);
  return generator.uniform([weight[0]!], -bound, bound);
}
