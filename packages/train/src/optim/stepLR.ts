/** A learning-rate schedule: the rate of epoch `epoch` (counted from 0) of a stage whose base rate is `baseLr`. */
export type Schedule = (baseLr: number, epoch: number) => number;

export interface StepLROptions {
  /** Epochs between two decays. Default 7. */
  stepSize?: number;
  /** Factor of each decay. Default 0.1. */
  gamma?: number;
}

/** A schedule was asked for with a value that makes no sense. */
export class ScheduleError extends RangeError {
  override readonly name = "ScheduleError";
  readonly option: string;
  readonly value: number;

  constructor(schedule: string, option: string, rule: string, value: number) {
    super(`${schedule}: ${option} must be ${rule}, got ${value}`);
    this.option = option;
    this.value = value;
  }
}

/**
 * The rate is multiplied by `gamma` after every `stepSize` epochs. A pure function of the epoch, so a resumed run needs no
 * scheduler state. Multiplies once per decay as `torch.optim.lr_scheduler.StepLR` does, instead of raising gamma to a
 * power, so that the rates are torch's to the last bit.
 *
 * @throws ScheduleError where stepSize is not a positive integer, gamma is not finite and > 0, or epoch is not an integer >= 0
 */
export function stepLR(options: StepLROptions = {}): Schedule {
  const { stepSize = 7, gamma = 0.1 } = options;
  if (!Number.isInteger(stepSize) || stepSize < 1) {
    throw new ScheduleError("stepLR", "stepSize", "an integer >= 1", stepSize);
  }
  if (!Number.isFinite(gamma) || gamma <= 0) throw new ScheduleError("stepLR", "gamma", "finite and > 0", gamma);
  return (baseLr, epoch) => {
    checkEpoch("stepLR", epoch);
    let lr = baseLr;
    for (let decay = Math.floor(epoch / stepSize); decay > 0; decay--) lr *= gamma;
    return lr;
  };
}

/** The base rate at every epoch. */
export function constantLR(): Schedule {
  return (baseLr, epoch) => {
    checkEpoch("constantLR", epoch);
    return baseLr;
  };
}

function checkEpoch(schedule: string, epoch: number): void {
  if (!Number.isInteger(epoch) || epoch < 0) throw new ScheduleError(schedule, "epoch", "an integer >= 0", epoch);
}
