import type { SceneShares } from "./scene.ts";

/** How hard a set is: parts of one, the same for both classes of it but the first. */
export interface PhantomShares extends SceneShares {
  /** What part of the fractures is a hairline rather than displaced. */
  readonly hairlineShare: number;
}

/**
 * The mix where nobody asks for another: a network with ImageNet weights learns it in a few epochs. One that starts from random weights first
 * learns to see what runs across a bone. Joints and collimator edges run across it in both classes, and delay that by many epochs: a small set
 * for it is better drawn without them.
 */
export const PHANTOM_SHARES: PhantomShares = { hairlineShare: 0.2, jointShare: 0.25, collimatedShare: 0.5 };
