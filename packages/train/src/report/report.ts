import type { Decision } from "../evaluate/decision.ts";
import type { HardestPictures, HardPicture } from "../evaluate/hardest.ts";
import type { Metrics } from "../evaluate/metrics.ts";
import type { Predictions } from "../evaluate/predictions.ts";
import type { PlainFigures } from "../evaluate/report.ts";
import type { Subgroups } from "../evaluate/subgroups.ts";
import type { Recipe } from "../recipe/recipe.ts";
import type { RunSession } from "../run/environment.ts";
import type { HistoryRow } from "../run/history.ts";
import type { SeedsSummary } from "../seeds/summary.ts";
import type { ReportAudit, ReportConfig } from "./schema.ts";

/** A picture as the report carries it. */
export interface EmbeddedPicture {
  /** A data URI. */
  readonly src: string;
  readonly width: number;
  readonly height: number;
}

/** A picture to look at, with what the model said of it. */
export interface ShownPicture extends HardPicture {
  /** Without the folder that all share. */
  readonly name: string;
  /** Null where it can't be read any more, or is left out. */
  readonly plain: EmbeddedPicture | null;
  /** Where the model looked, where that was computed. */
  readonly overlay: EmbeddedPicture | null;
  /** Why there is no picture. */
  readonly missing: string | null;
  /** Further ones of the same film or patient that would be in the list. */
  readonly alike: number;
}

/** Each film or patient once. */
export interface ShownPictures {
  readonly worstMistakes: readonly ShownPicture[];
  readonly leastCertain: readonly ShownPicture[];
  /** Told right, and surely; only where they were explained. */
  readonly surest: readonly ShownPicture[];
}

/** The same figures over some of the pictures. */
export interface LessCopies {
  /** Pictures that were left out. */
  readonly copies: number;
  /** Null where none is left. */
  readonly metrics: Metrics | null;
}

/** What a model said of a split. */
export interface EvaluatedPart {
  readonly split: string;
  readonly metrics: Metrics;
  /** The figures were not kept, or not all of them, and come from the predictions. */
  readonly recomputed: boolean;
  /** Of how many groups of related pictures; null where each stands for itself. */
  readonly groups: number | null;
  readonly decision: Decision | null;
  /** Without temperature and threshold; null where there are none. */
  readonly plain: PlainFigures | null;
  readonly calibrationError: number | null;
  /** Null where predictions.csv is missing: nothing can be drawn then. */
  readonly predictions: Predictions | null;
  /** Without the temperature. */
  readonly plainPredictions: Predictions | null;
  readonly hardest: HardestPictures | null;
  /** By path, which pictures are of one film or patient; empty where that is not known. */
  readonly groupOf: ReadonlyMap<string, string>;
  /** Null where no picture is a copy of a training picture, or nobody looked. */
  readonly withoutCopies: LessCopies | null;
}

/** A figure that another part of the program drew for the run. */
export interface Attachment {
  readonly title: string;
  readonly picture: EmbeddedPicture;
  /** Its numbers; null where they are not beside it. */
  readonly csv: string | null;
  /** Of that table, below the run's folder. */
  readonly csvName: string;
  /** Whether pictures of the data set are in it. */
  readonly showsData: boolean;
}

/** All that a report says, read from a run folder. Plain data: what is drawn and written follows from it alone. */
export interface Report {
  /** The folder's name. */
  readonly name: string;
  /** "evaluation": a folder that `eval --out` wrote. */
  readonly kind: "run" | "evaluation";
  /** As the user named it, or "RUN": see `withoutPaths`. */
  readonly folder: string;
  /** Of the program that makes the report. */
  readonly version: string;
  readonly config: ReportConfig | null;
  /** Null where it has options that this version does not know. */
  readonly recipe: Recipe | null;
  /** Null where nothing says it. */
  readonly architecture: string | null;
  /** What was evaluated, where that is no run. */
  readonly model: string | null;
  readonly data: string | null;
  readonly sessions: readonly RunSession[];
  readonly history: readonly HistoryRow[];
  readonly bestEpoch: number | null;
  readonly audit: ReportAudit | null;
  /** Pictures that were set aside, by split. */
  readonly unreadable: Readonly<Record<string, number>>;
  /** The test split, or the one that was evaluated; null: none was. */
  readonly main: EvaluatedPart | null;
  /** The validation split, where it is not `main`. */
  readonly val: EvaluatedPart | null;
  readonly pictures: ShownPictures;
  readonly dataPlots: readonly Attachment[];
  /** Of the learning-rate finder. */
  readonly rateSearch: Attachment | null;
  readonly subgroups: Subgroups | null;
  /** The figures of several seeds, of which the run is one; or of the folder that holds them all. */
  readonly seeds: SeedsSummary | null;
  /** Parts that could not be read, a line each. */
  readonly notes: readonly string[];
}
