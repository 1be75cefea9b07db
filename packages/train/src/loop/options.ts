import type { ResNet } from "@fracture/resnet";
import type { Device, optim } from "@fracture/tensor";
import type { Schedule } from "../optim/stepLR.ts";
import type { HistoryRow } from "../run/history.ts";
import type { StepRow } from "../run/runFolder.ts";
import type { EarlyStoppingOptions } from "./earlyStopping.ts";
import type { FeatureFiles } from "./featureFiles.ts";
import type { Feed } from "./feeds.ts";
import type { OptimizerName } from "./optimizers.ts";
import type { Precision } from "./precision.ts";
import type { Stage } from "./stages.ts";
import type { FitState } from "./state.ts";

/** Samples as the loop needs them. */
export interface SampleSet {
  /** [n] class indices. */
  readonly labels: ArrayLike<number>;
  /** [n], for messages. */
  readonly paths: readonly string[];
  /** A hash of what samples look like without augmentation. Default: their features can't be kept from run to run. */
  readonly digest?: (samples: readonly number[]) => string;
  /** Pictures as they are (`augment` false), or another view of them every epoch. */
  feed(options: { readonly augment: boolean }): Feed;
}

/** Device memory for cached features, where nobody says otherwise. */
export const DEFAULT_FEATURE_BYTES = 2 ** 31;

export interface FitOptions {
  readonly device: Device;
  readonly model: ResNet;
  readonly train: SampleSet;
  /** null: no early stopping, and the last weights are the best. */
  readonly val: SampleSet | null;
  readonly stages: readonly Stage[];
  readonly optimizer: OptimizerName;
  readonly weightDecay: number;
  readonly schedule: Schedule;
  readonly batchSize: number;
  readonly precision: Precision;
  readonly augment: boolean;
  /** [classes], or null for equal weights. */
  readonly classWeights: readonly number[] | null;
  readonly stopping: EarlyStoppingOptions;
  /** The order of the samples in an epoch, which counts from 0 over all stages: a pure function, and always so many. */
  readonly order: (epoch: number) => readonly number[];
  /** Bytes of device memory that cached features may take. */
  readonly featureBytes: number;
  /** Where features are kept from run to run; null: nowhere. */
  readonly featureFiles: FeatureFiles | null;
  /** Where the run stands at first, and where it is kept up to date. */
  readonly state: FitState;
  readonly checkpoints: Checkpoints;
  readonly log: RunLog;
  readonly signal: AbortSignal;
  readonly onEvent: (event: FitEvent) => void;
}

/** Where every step and every epoch is written down. */
export interface RunLog {
  appendStep(row: StepRow): void;
  appendEpoch(row: HistoryRow): void;
}

/** Keeps the model on disk, and the best weights so far in memory. */
export interface Checkpoints {
  /** Enough time has passed since the last save. */
  due(): boolean;
  /** Saves where the run stands. `optimizer` is null between two stages. Nothing may be under way on the device. */
  save(optimizer: optim.Optimizer | null): Promise<void>;
  /** Puts the moments of the resumed checkpoint into the optimiser. Does nothing on a fresh run, or the second time. */
  restoreOptimizer(optimizer: optim.Optimizer): void;
  /** A stage begins that changes these tensors: those that no stage has changed yet are as the best ones are. */
  beginStage(changes: (name: string) => boolean): Promise<void>;
  /** The model's present weights are the best: keeps the tensors that the stage changes. */
  keepBest(changes: (name: string) => boolean): Promise<void>;
  /** Puts the best weights back into the model. */
  restoreBest(): void;
}

/** What a caller is told while `fit` runs. */
export type FitEvent =
  | { readonly kind: "stage"; readonly stage: Stage; readonly index: number; readonly count: number }
  | { readonly kind: "features"; readonly done: number; readonly total: number }
  | {
      readonly kind: "step";
      /** Counted from 1 over the run. */
      readonly epoch: number;
      /** Counted from 1 in the epoch. */
      readonly step: number;
      /** Steps in an epoch. */
      readonly steps: number;
      readonly loss: number;
      readonly imagesPerSecond: number;
      /** Of this stage, validation left out. */
      readonly secondsLeft: number;
    }
  | { readonly kind: "epoch"; readonly row: HistoryRow; readonly improved: boolean }
  | { readonly kind: "stopped"; readonly epoch: number; readonly bestEpoch: number | null };
