/** What is watched after each epoch: the validation loss (smaller is better) or the validation accuracy (larger is). */
export type Monitor = "valLoss" | "valAccuracy";

export interface EarlyStoppingOptions {
  /** Epochs in a row without improvement after which training stops; `null` never stops, and still remembers the best. */
  patience: number | null;
  /** The least change that counts as an improvement, in the unit of what is watched. Default 0. */
  minDelta?: number;
  /** Default "valLoss". */
  monitor?: Monitor;
}

/** Plain data: it goes into the checkpoint as it is. */
export interface EarlyStoppingState {
  /** The best value so far; `null` before the first finite one. */
  readonly best: number | null;
  readonly bestEpoch: number | null;
  /** Epochs since the best one. */
  readonly epochsWithoutImprovement: number;
}

export interface EarlyStoppingUpdate {
  readonly state: EarlyStoppingState;
  /** This epoch is the new best: keep its weights. */
  readonly improved: boolean;
  readonly stop: boolean;
}

/** Early stopping was asked for with a value that makes no sense. */
export class EarlyStoppingError extends RangeError {
  override readonly name = "EarlyStoppingError";
  readonly option: string;
  readonly value: number;

  constructor(option: string, rule: string, value: number) {
    super(`early stopping: ${option} must be ${rule}, got ${value}`);
    this.option = option;
    this.value = value;
  }
}

export function startEarlyStopping(): EarlyStoppingState {
  return { best: null, bestEpoch: null, epochsWithoutImprovement: 0 };
}

/** A new stage begins: it gets its full patience, and still has to beat the best of the stages before it. */
export function renewPatience(state: EarlyStoppingState): EarlyStoppingState {
  return { ...state, epochsWithoutImprovement: 0 };
}

/**
 * The state after an epoch. An epoch improves where its value beats the best by more than `minDelta`, and stops training
 * when `patience` epochs in a row did not (Keras's EarlyStopping counts so). NaN and infinities never improve; the
 * first finite value always does.
 *
 * @param value the loss or the accuracy of `epoch`, as `options.monitor` says
 * @throws EarlyStoppingError where patience is neither null nor an integer >= 1, or minDelta is negative or not finite
 */
export function updateEarlyStopping(
  state: EarlyStoppingState,
  epoch: number,
  value: number,
  options: EarlyStoppingOptions,
): EarlyStoppingUpdate {
  const { patience, minDelta = 0, monitor = "valLoss" } = options;
  if (patience !== null && (!Number.isInteger(patience) || patience < 1)) {
    throw new EarlyStoppingError("patience", "an integer >= 1", patience);
  }
  if (!Number.isFinite(minDelta) || minDelta < 0) {
    throw new EarlyStoppingError("minDelta", "finite and >= 0", minDelta);
  }
  const gain = state.best === null ? Infinity : monitor === "valLoss" ? state.best - value : value - state.best;
  if (Number.isFinite(value) && gain > minDelta) {
    return {
      state: { best: value, bestEpoch: epoch, epochsWithoutImprovement: 0 },
      improved: true,
      stop: false,
    };
  }
  const epochsWithoutImprovement = state.epochsWithoutImprovement + 1;
  const stop = patience !== null && epochsWithoutImprovement >= patience;
  return { state: { ...state, epochsWithoutImprovement }, improved: false, stop };
}
