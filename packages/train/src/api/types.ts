import type { Device } from "@fracture/tensor";
import type { Columns } from "../data/columns.ts";
import type { Subgroups } from "../evaluate/subgroups.ts";
import type { SplitOutcome } from "../evaluate/report.ts";
import type { Metrics } from "../evaluate/metrics.ts";
import type { SavedCheckpoint } from "../loop/checkpoint.ts";
import type { InitialWeights } from "../model/initialModel.ts";
import type { RecipeOptions } from "../recipe/recipe.ts";
import type { RunEvent } from "./events.ts";
import type { AuditedSet } from "../audit/auditedSet.ts";
import type { DataAudit } from "../audit/checkData.ts";
import type { WithoutCopies } from "./dataCheck.ts";
import type { DecodedSplit } from "./pictures.ts";
import type { RelatedPictures } from "./relatedPictures.ts";
import type { RunConfig } from "./runConfig.ts";

/** How a run folder is taken: a new one, in the place of the run that is there, or to go on with that. */
export type RunMode = "new" | "overwrite" | "resume";

export interface TrainRunOptions {
  /** The run folder. */
  readonly out: string;
  /** The data folder. May be left out to resume. */
  readonly data?: string;
  /** Default: "new". */
  readonly mode?: RunMode;
  /** To resume, what is given must be what the run was started with. */
  readonly recipe: RecipeOptions;
  /** Set unreadable pictures of val and test aside too. Default: false. */
  readonly allowUnreadable?: boolean;
  /** Where decoded pictures are kept; null: nowhere. Default: the user's cache folder. */
  readonly cacheFolder?: string | null;
  /** Time between two checkpoints. Default: 60. */
  readonly checkpointSeconds?: number;
  /** Bytes of device memory for features of frozen parts. Default: 2 GiB. */
  readonly featureBytes?: number;
  /** Heat maps of so many worst mistakes, least certain and surest pictures each, in `results/explanations`. Default: 6. */
  readonly explanations?: number;
}

/** What a run is done with. */
export interface RunContext {
  /** Opens the device, once the input was found to be good. The caller closes it. */
  readonly openDevice: () => Promise<Device>;
  /** Aborting saves a checkpoint and ends in an InterruptedError. */
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: RunEvent) => void;
}

export interface TrainRunResult {
  readonly folder: string;
  readonly epochs: number;
  /** Whose weights are in `best.safetensors`; null where there was no validation split: the last one's. */
  readonly bestEpoch: number | null;
  /** With the best weights, of the splits that there are. */
  readonly metrics: { readonly val: Metrics | null; readonly test: Metrics | null };
  /** All there is to say of them: test first. */
  readonly outcomes: readonly SplitOutcome[];
  /** The same without pictures that are copies of training pictures; null where there are none. */
  readonly withoutCopies: Readonly<Record<"val" | "test", WithoutCopies | null>>;
  /** Of the first outcome, by the values of a CSV file's columns; null where there are none. */
  readonly subgroups: Subgroups | null;
}

/** A run whose input is read and found good, with no device opened yet. */
export interface PreparedRun {
  readonly options: TrainRunOptions;
  readonly mode: RunMode;
  readonly config: RunConfig;
  readonly audit: DataAudit;
  readonly related: RelatedPictures;
  /** What a CSV file says of the pictures besides. */
  readonly columns: Columns | null;
  /** The pictures where the run divided them itself; null: they came in splits. */
  readonly divided: AuditedSet | null;
  /** The folder that the audit's names are relative to. */
  readonly base: string;
  readonly splits: Readonly<Record<"train", DecodedSplit>> & Readonly<Record<"val" | "test", DecodedSplit | null>>;
  /** Null where `resumed` holds the model. */
  readonly initial: InitialWeights | null;
  readonly resumed: SavedCheckpoint | null;
}
