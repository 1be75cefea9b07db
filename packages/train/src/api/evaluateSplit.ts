import { NonFiniteLogitsError } from "../loop/errors.ts";
import type { Precision } from "../loop/precision.ts";
import type { ResNet } from "@fracture/resnet";
import type { Device } from "@fracture/tensor";
import type { FeatureCache } from "../loop/featureCache.ts";
import { unchangedFeatures, type UnchangedPart } from "../loop/features.ts";
import { FeatureFeed } from "../loop/feeds.ts";
import { logitsOf } from "../evaluate/logits.ts";
import { fitDecision, type Decision } from "../evaluate/decision.ts";
import { outcomeOf, type SplitOutcome } from "../evaluate/report.ts";
import type { ThresholdRule } from "../evaluate/threshold.ts";
import type { Recipe } from "../recipe/recipe.ts";
import type { RunEvent } from "./events.ts";
import type { StoredSplit } from "./pictures.ts";
import { groupsOf, type RelatedPictures } from "./relatedPictures.ts";

export interface EvaluateSplitOptions {
  readonly device: Device;
  readonly model: ResNet;
  readonly classes: readonly string[];
  /** Null: none; a recipe: fitted on this split, which must be the validation split. */
  readonly decision: Decision | Pick<Recipe, "threshold" | "sensitivity"> | null;
  /** Pictures that are not independent of each other. Default: none. */
  readonly related?: RelatedPictures;
  /** What no training has changed: its features are computed apart, and kept for other runs. Default: nothing. */
  readonly unchanged?: UnchangedPart | null;
  readonly precision: Precision;
  readonly batchSize: number;
  readonly signal: AbortSignal;
  readonly onEvent: (event: RunEvent) => void;
}

/** What a model says about a stored split, without augmentation. */
export async function evaluateSplit(
  stored: StoredSplit,
  {
    device,
    model,
    classes,
    decision,
    related = new Map(),
    unchanged = null,
    precision,
    batchSize,
    signal,
    onEvent,
  }: EvaluateSplitOptions,
): Promise<SplitOutcome> {
  const { split, paths, labels } = stored;
  const common = { device, model, precision, batchSize, signal };
  const onBatch = (done: number, total: number): void => onEvent({ kind: "evaluate", split, done, total });
  let cache: FeatureCache | null = null;
  let logits: Float32Array;
  try {
    model.eval();
    cache = unchanged && (await unchangedFeatures(stored, unchanged, { ...common, onBatch }));
    const feed = cache ? new FeatureFeed(device, unchanged!.part, cache) : stored.feed({ augment: false });
    logits = await logitsOf({ ...common, feed, samples: labels.length, ...(cache ? {} : { onBatch }) });
  } finally {
    cache?.dispose();
  }
  const bad = logits.findIndex((logit) => !Number.isFinite(logit));
  if (bad >= 0) throw new NonFiniteLogitsError(split, paths[Math.floor(bad / classes.length)]!);
  const fitted =
    decision && "sensitivity" in decision ? fitDecision(logits, labels, classes, ruleOf(decision)) : decision;
  const outcome = outcomeOf({
    split,
    classes,
    paths,
    labels,
    logits,
    groups: groupsOf(paths, related),
    decision: fitted,
  });
  onEvent({ kind: "metrics", split, metrics: outcome.metrics });
  return outcome;
}

function ruleOf({ threshold, sensitivity }: Pick<Recipe, "threshold" | "sensitivity">): ThresholdRule | null {
  if (sensitivity !== null) return { kind: "sensitivity", sensitivity };
  return threshold === "none" ? null : { kind: threshold };
}
