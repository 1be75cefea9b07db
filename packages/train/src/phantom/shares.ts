import type { SceneOptions } from "./scene.ts";

/** How hard a set is: what is the same for both classes of it, and of the fractures how many are hard to see. */
export interface PhantomShares extends SceneOptions {
  /** What part of the fractures is a hairline rather than displaced. */
  readonly hairlineShare: number;
}

/**
 * The mix where nobody asks for another: a network with ImageNet weights learns it in a few epochs. One that starts from random weights first
 * learns to see what runs across a bone. Joints and collimator edges run across it in both classes, and delay that by many epochs: a small set
 * for it is better drawn without them, and of one limb that hardly lies askew.
 */
export const PHANTOM_SHARES: PhantomShares = {
  hairlineShare: 0.2,
  jointShare: 0.25,
  collimatedShare: 0.5,
  limb: "any",
  tilt: 12,
};
