import { optim } from "@fracture/tensor";
import type { StepRow } from "../run/runFolder.ts";
import { NonFiniteGradientsError } from "./errors.ts";
import type { FitState } from "./state.ts";

/** What mixed precision adds to a step's line; nothing in f32. */
export type StepScaling = Pick<StepRow, "lossScale" | "skipped">;

/** Gradients that overflow f16 with less than this are beyond repair: from torch's first scale it is 26 steps without a good one. */
const LEAST_LOSS_SCALE = 2 ** -10;

/**
 * Keeps the loss scale that a step has left, as a GradScaler's `state` has it. A skipped step is no fault.
 *
 * @throws NonFiniteGradientsError where no scale helps
 */
export function accountScale(state: FitState, words: ArrayLike<number>, files: () => readonly string[]): StepScaling {
  const { found, ...now } = optim.lossScaleOf(words);
  const before = state.lossScale!;
  state.lossScale = now;
  if (found) state.partial.skipped += 1;
  if (now.scale < LEAST_LOSS_SCALE)
    throw new NonFiniteGradientsError(now.scale, state.epochs + 1, state.epochSteps, files());
  return { lossScale: before.scale, skipped: found };
}
