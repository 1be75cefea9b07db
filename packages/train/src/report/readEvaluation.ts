import { existsSync } from "node:fs";
import { join } from "node:path";
import type { z } from "zod";
import { readPredictions } from "../compare/readPredictions.ts";
import { calibrationFigures, type Decision } from "../evaluate/decision.ts";
import { hardestPictures } from "../evaluate/hardest.ts";
import { computeMetrics } from "../evaluate/metrics.ts";
import { checkPredictions, predictedClasses, type Predictions } from "../evaluate/predictions.ts";
import { softmaxRows } from "../evaluate/softmax.ts";
import type { EvaluatedPart, LessCopies } from "./report.ts";
import { metricsSchema, splitPartsSchema } from "./schema.ts";

export interface EvaluationSource {
  readonly split: string;
  /** Holds `predictions.csv`. */
  readonly folder: string;
  /** What metrics.json says of the split; undefined: nothing. */
  readonly figures: unknown;
  readonly withoutCopies: LessCopies | null;
  readonly note: (line: string) => void;
}

/** What is kept of an evaluation; what is missing of its figures is computed from its predictions. Null where there is neither. */
export function readEvaluation({
  split,
  folder,
  figures,
  withoutCopies,
  note,
}: EvaluationSource): EvaluatedPart | null {
  const parsed = metricsSchema.safeParse(figures);
  const parts: z.output<typeof splitPartsSchema> = splitPartsSchema.safeParse(figures).data ?? {};
  const decision = parts.decision ?? null;
  const table = predictionsIn(join(folder, "predictions.csv"), note);
  if (!parsed.success && !table) return null;
  const predictions = table?.predictions ?? null;
  const metrics = parsed.data ?? computeMetrics(table!.predictions, { groups: table!.groups ?? undefined });
  return {
    split,
    metrics,
    recomputed: !parsed.success,
    groups: parts.groups ?? (table?.groups ? new Set(table.groups).size : null),
    decision,
    plain: parts.plain ?? null,
    calibrationError: parts.calibrationError ?? (predictions ? calibrationFigures(predictions).calibrationError : null),
    predictions,
    plainPredictions: predictions && decision ? withoutTemperature(predictions, decision) : null,
    hardest: table
      ? hardestOf(table, decision)
      : parts.worstMistakes && parts.leastCertain
        ? { worstMistakes: parts.worstMistakes, leastCertain: parts.leastCertain }
        : null,
    groupOf: new Map(table?.groups?.map((group, i) => [table.paths[i]!, group])),
    withoutCopies,
  };
}

interface Table {
  readonly predictions: Predictions & { readonly predicted: readonly number[] };
  readonly paths: readonly string[];
  readonly groups: readonly string[] | null;
}

function predictionsIn(path: string, note: (line: string) => void): Table | null {
  if (!existsSync(path)) return null;
  try {
    const { classes, paths, labels, predicted, probabilities, groups } = readPredictions(path);
    const predictions = { classes, labels, predicted, probabilities };
    checkPredictions(predictions);
    return { predictions, paths, groups };
  } catch (error) {
    note(error instanceof Error ? error.message : String(error));
    return null;
  }
}

function hardestOf({ predictions, paths }: Table, decision: Decision | null) {
  const { classes, labels, probabilities, predicted } = predictions;
  return hardestPictures(
    {
      classes,
      paths,
      labels: Array.from(labels),
      probabilities: Float64Array.from(probabilities),
      predicted: Int32Array.from(predicted),
      decision,
    },
    // All of them: what shows a film again is left out later.
    paths.length,
  );
}

/** softmax(T · ln p) is what the logits give without the temperature: they are T · ln p but for a constant of each row. */
function withoutTemperature({ classes, labels, probabilities }: Predictions, { temperature }: Decision): Predictions {
  const logits = Float64Array.from(probabilities, (p) => temperature * Math.log(Math.max(p, Number.MIN_VALUE)));
  const plain = softmaxRows(logits, classes.length);
  return { classes, labels, probabilities: plain, predicted: predictedClasses(plain, classes.length) };
}
