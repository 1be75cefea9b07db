import type { Architecture } from "@fracture/resnet";
import type { DataAudit } from "../audit/checkData.ts";
import type { UnreadablePicture } from "../data/loadPictures.ts";
import type { SplitName } from "../data/split.ts";
import type { Metrics } from "../evaluate/metrics.ts";
import type { FitEvent } from "../loop/options.ts";
import type { NewHead } from "../model/initialModel.ts";

/** What a caller is told while a run goes on. */
export type RunEvent =
  | FitEvent
  | {
      /** The run of one of several seeds begins; what follows is of it. */
      readonly kind: "seed";
      readonly seed: number;
      readonly index: number;
      readonly count: number;
      readonly folder: string;
      /** It was finished before: nothing follows. */
      readonly finished: boolean;
    }
  | {
      readonly kind: "data";
      readonly classes: readonly string[];
      /** Pictures in each split; null where there is no such split. */
      readonly counts: Readonly<Record<SplitName, number | null>>;
      /** What was passed over, relative to the data folder. */
      readonly ignored: readonly string[];
      /** Whether the run itself divided them into these splits, and by which seed; null: they came so. */
      readonly dividedBySeed: number | null;
    }
  /** Pictures are looked at before anything is trained on them. */
  | { readonly kind: "check"; readonly done: number; readonly total: number }
  | { readonly kind: "audit"; readonly audit: DataAudit }
  | { readonly kind: "decode"; readonly split: SplitName; readonly done: number; readonly total: number }
  | { readonly kind: "unreadable"; readonly split: SplitName; readonly files: readonly UnreadablePicture[] }
  | {
      readonly kind: "model";
      readonly architecture: Architecture;
      /** The file whose weights are the start; null: from scratch. */
      readonly weights: string | null;
      readonly newHead: NewHead | null;
    }
  | { readonly kind: "resumed"; readonly epochs: number; readonly steps: number }
  | {
      /** A step of a sweep of the learning rate. */
      readonly kind: "sweep";
      /** Counted from 1. */
      readonly step: number;
      readonly steps: number;
      readonly lr: number;
      readonly smoothed: number;
    }
  | { readonly kind: "evaluate"; readonly split: SplitName; readonly done: number; readonly total: number }
  /** Where training and validation pictures lie in the space of features is measured. */
  | { readonly kind: "places"; readonly done: number; readonly total: number }
  | { readonly kind: "metrics"; readonly split: SplitName; readonly metrics: Metrics };
