import { z } from "zod";

/** How far a picture lies from a model's training pictures. */
export interface TrainingDistance {
  /** From 0 to √2: between unit vectors of features, none of which is negative. */
  readonly value: number;
  /** How many of 100 validation pictures lie nearer. */
  readonly percentile: number;
  /**
   * Farther than FAR_PERCENTILE of the validation pictures, of fewer than MOST_VALIDATION than all of them: what the model says of it means
   * little. Of n of those, one picture in n + 1 that is like them is far all the same: one in 51 of 50.
   */
  readonly far: boolean;
}

export const FAR_PERCENTILE = 99.5;
/** Training pictures that are kept as places to measure from. */
export const REFERENCES = 64;
/** Of fewer validation pictures, what is far can't be told. */
export const LEAST_VALIDATION = 50;
/** As many as a percentile of 99.5 needs. */
export const MOST_VALIDATION = 200;
/** The neighbour that counts: one stray training picture makes nothing near. */
const NEIGHBOUR = 5;
const MOST_LEVEL = 255;

/** So many of `count` samples, evenly spread over their order, which is by class: the same every time. */
export const evenlySpread = (count: number, most: number): number[] =>
  count <= most
    ? Array.from({ length: count }, (_, i) => i)
    : Array.from({ length: most }, (_, i) => Math.floor(((i + 0.5) * count) / most));

/**
 * Where a model's training pictures lie in the space of its pooled features: some of them as unit vectors, and how far validation pictures
 * are. The distance is that to the fifth nearest of them (Sun, Ming, Zhu, Li: Out-of-Distribution Detection with Deep Nearest
 * Neighbors, ICML 2022): no covariance to estimate from fewer pictures than there are features, and told wrong sharpness, noise and
 * inverted grey levels apart from X-rays better than a Mahalanobis distance did (docs/results.md).
 */
export class TrainingData {
  /** [references, features], each row's largest value as 255. */
  readonly #levels: Uint8Array;
  readonly #features: number;
  /** [references] The lengths of the rows. */
  readonly #lengths: readonly number[];
  /** Rising. */
  readonly #validation: readonly number[];

  private constructor(levels: Uint8Array, features: number, validation: readonly number[]) {
    this.#levels = levels;
    this.#features = features;
    this.#lengths = Array.from({ length: levels.length / features }, (_, row) =>
      lengthOf(levels.subarray(row * features, (row + 1) * features)),
    );
    this.#validation = validation;
  }

  /**
   * @param train [references, features]
   * @param validation [n, features]
   */
  static measure(train: Float32Array, validation: Float32Array, features: number): TrainingData {
    const levels = new Uint8Array(train.length);
    for (let row = 0; row < train.length; row += features) {
      const values = train.subarray(row, row + features);
      const most = values.reduce((a, b) => Math.max(a, b), 0);
      if (most > 0)
        levels.set(
          Uint8Array.from(values, (value) => Math.round((value / most) * MOST_LEVEL)),
          row,
        );
    }
    const places = new TrainingData(levels, features, []);
    const distances = Array.from({ length: validation.length / features }, (_, row) =>
      rounded(places.#distance(validation.subarray(row * features, (row + 1) * features))),
    );
    return new TrainingData(
      levels,
      features,
      distances.sort((a, b) => a - b),
    );
  }

  /** How far a picture's pooled features lie. */
  distanceOf(features: Float32Array): TrainingDistance {
    const value = rounded(this.#distance(features));
    const nearer = this.#validation.filter((other) => other < value).length;
    const percentile = (100 * nearer) / this.#validation.length;
    return { value, percentile, far: percentile >= FAR_PERCENTILE };
  }

  /** For a model file. */
  toText(): string {
    return JSON.stringify({
      features: this.#features,
      references: Buffer.from(this.#levels).toString("base64"),
      validation: this.#validation,
    });
  }

  /** @throws ZodError, SyntaxError or RangeError where the text is none of `toText`'s for so many features */
  static parse(text: string, features: number): TrainingData {
    const { features: own, references, validation } = schema.parse(JSON.parse(text));
    const levels = Uint8Array.from(Buffer.from(references, "base64"));
    if (own !== features || levels.length === 0 || levels.length % features !== 0)
      throw new RangeError(`its training data has ${levels.length} values of ${own} features, the network ${features}`);
    return new TrainingData(
      levels,
      features,
      validation.toSorted((a, b) => a - b),
    );
  }

  #distance(features: Float32Array): number {
    const length = lengthOf(features);
    const distances = this.#lengths.map((own, row) => {
      let dot = 0;
      for (let i = 0, at = row * this.#features; i < this.#features; i++, at++) dot += features[i]! * this.#levels[at]!;
      const cosine = own * length > 0 ? dot / (own * length) : 0;
      return Math.sqrt(Math.max(0, 2 - 2 * cosine));
    });
    return distances.sort((a, b) => a - b)[Math.min(NEIGHBOUR, distances.length) - 1]!;
  }
}

const schema = z.object({
  features: z.int().min(1),
  references: z.base64(),
  validation: z.array(z.number()).min(1),
});

const lengthOf = (values: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!;
  return Math.sqrt(sum);
};

/** Beyond what differs between devices. */
const rounded = (value: number): number => Number(value.toFixed(6));
