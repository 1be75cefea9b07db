import type { optim } from "@fracture/tensor";
import { startEarlyStopping, type EarlyStoppingState } from "./earlyStopping.ts";

/** Where a run stands. Plain data: it goes into the checkpoint, and with the tensors beside it decides everything that follows. */
export interface FitState {
  /** Index of the stage under way. */
  stage: number;
  /** Epochs completed in this stage. */
  stageEpochs: number;
  /** Epochs completed in all stages. */
  epochs: number;
  /** Steps completed in the epoch under way. */
  epochSteps: number;
  /** Steps completed in all epochs. */
  steps: number;
  stopping: EarlyStoppingState;
  /** Sums over the samples of the epoch under way. */
  partial: { loss: number; weight: number; correct: number; seen: number; skipped: number };
  /** In mixed precision, after the steps completed. */
  lossScale: optim.LossScale | null;
}

export const startState = (): FitState => ({
  stage: 0,
  stageEpochs: 0,
  epochs: 0,
  epochSteps: 0,
  steps: 0,
  stopping: startEarlyStopping(),
  partial: emptySums(),
  lossScale: null,
});

export const emptySums = (): FitState["partial"] => ({ loss: 0, weight: 0, correct: 0, seen: 0, skipped: 0 });
