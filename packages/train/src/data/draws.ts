import { philox4x32, seedWords } from "@fracture/tensor";

/**
 * What random numbers are for. Each purpose is another word of the counter, so that no two share a number, nor do they with
 * the generators of weights, whose word is 0.
 */
/** 3 is the bootstrap's (evaluate/bootstrap.ts). */
const PURPOSES = { augment: 1, shuffle: 2, sample: 4 } as const;

export type DrawPurpose = keyof typeof PURPOSES;

/** Where random numbers come from: everything that is drawn is a pure function of these and of a block's number. */
export interface DrawSource {
  readonly seed: number;
  /** Counts from 0. */
  readonly epoch: number;
  /** The sample's place in the files' order; 0 for what concerns an epoch as a whole. */
  readonly sample: number;
}

/** Four independent numbers in [0, 1): Philox 4x32-10 (Salmon et al. 2011), the counter made of block, purpose, epoch and sample. */
export function draw(
  purpose: DrawPurpose,
  { seed, epoch, sample }: DrawSource,
  block: number,
): [number, number, number, number] {
  const words = philox4x32([block, PURPOSES[purpose], epoch, sample], seedWords(seed));
  return words.map((word) => word * 2 ** -32) as [number, number, number, number];
}
