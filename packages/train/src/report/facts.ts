import { basename } from "node:path";
import { findPublishedByHash } from "@fracture/resnet";
import { stageSpans } from "../evaluate/plots/stages.ts";
import type { Metrics } from "../evaluate/metrics.ts";
import type { Interval } from "../evaluate/wilson.ts";
import { plural } from "./format.ts";
import type { Report } from "./report.ts";

/** A figure as it stands in a table. */
export interface FigureRow {
  readonly name: string;
  readonly value: number | null;
  readonly interval: Interval | null;
}

/** The figures of a split, in the order in which they are read. */
export function figureRows(metrics: Metrics): FigureRow[] {
  const { intervals, positiveClass, perClass } = metrics;
  const two = positiveClass !== null;
  const negative = two ? perClass.find(({ class: name }) => name !== positiveClass) : undefined;
  const row = (name: string, value: number | null, interval: Interval | null): FigureRow => ({ name, value, interval });
  return [
    row("Accuracy", metrics.accuracy, intervals.accuracy),
    row("AUC", metrics.rocAuc, intervals.rocAuc),
    row("Sensitivity (recall)", metrics.recall, intervals.recall),
    row("Specificity", metrics.specificity, intervals.specificity),
    row(
      two ? "Positive predictive value (precision)" : "Precision (positive predictive value)",
      metrics.precision,
      intervals.precision,
    ),
    ...(negative ? [row("Negative predictive value", negative.precision, negative.intervals.precision)] : []),
    row("F1", metrics.f1, intervals.f1),
    row("Average precision", metrics.averagePrecision, intervals.averagePrecision),
    row("Balanced accuracy", metrics.balancedAccuracy, intervals.balancedAccuracy),
    row("Log loss (nats)", metrics.logLoss, intervals.logLoss),
  ];
}

/** How many are told right, and how many would be if the most frequent class were always said. */
export function counts({ confusionMatrix, samples, perClass }: Metrics) {
  const right = confusionMatrix.reduce((sum, row, i) => sum + (row[i] ?? 0), 0);
  const [frequent] = perClass.toSorted((a, b) => b.support - a.support);
  return { right, samples, frequent: { class: frequent?.class ?? "", support: frequent?.support ?? 0 } };
}

/** "ResNet-50" */
export const architectureName = (architecture: string | null): string =>
  architecture?.replace(/^resnet(\d+)$/, "ResNet-$1") ?? "network";

/** Where the weights came from that a run began with. */
export function weightsOrigin({ config, recipe }: Report): {
  readonly text: string;
  readonly published: boolean;
  readonly scratch: boolean;
} {
  const weights = recipe?.weights ?? (config?.recipe["weights"] as unknown);
  if (typeof weights !== "string" || weights === "")
    return { text: "random numbers (from scratch)", published: false, scratch: true };
  const set = config?.weightsSha256 ? findPublishedByHash(config.weightsSha256) : null;
  if (set)
    return { text: `torchvision’s ImageNet weights “${set.name}” (${set.file})`, published: true, scratch: false };
  return { text: `the weights in ${basename(weights.replaceAll("\\", "/"))}`, published: false, scratch: false };
}

/** How many images a split has: by the data check, or the figures, whichever is there. */
export function splitSizes({ audit, main, val }: Report): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>();
  for (const { split, pictures } of audit?.summary ?? [])
    if (split !== null) sizes.set(split, (sizes.get(split) ?? 0) + pictures);
  for (const part of [main, val]) if (part && !sizes.has(part.split)) sizes.set(part.split, part.metrics.samples);
  return sizes;
}

/** The last part of a path, whatever system it is of. */
export const lastPart = (path: string): string =>
  path.replaceAll("\\", "/").replace(/\/+$/, "").split("/").at(-1) ?? path;

/** What training took, where it was measured. */
export function trainingTime({ history }: Report): { seconds: number; imagesPerSecond: number | null } | null {
  const seconds = history.reduce((sum, row) => sum + (row.seconds ?? 0), 0);
  if (seconds === 0) return null;
  const rates = history.flatMap(({ imagesPerSecond }) => imagesPerSecond ?? []).toSorted((a, b) => a - b);
  return { seconds, imagesPerSecond: rates[rates.length >> 1] ?? null };
}

/** "30 epochs in 2 stages" */
export const trainedFor = ({ history }: Report): string =>
  `${plural(history.length, "epoch")} in ${plural(stageSpans(history).length, "stage")}`;
