import type { Metrics } from "@fracture/train";
import { formatCount, plural } from "./format.ts";
import { formatTable } from "./table.ts";

type Interval = Metrics["intervals"]["accuracy"] | null;

/** The figures of a split for people: with their 95% intervals where there are any, and the confusion matrix. */
export function formatMetrics(split: string, metrics: Metrics): string {
  const { classes, positiveClass, confusionMatrix, intervals } = metrics;
  const of = positiveClass === null ? "mean over the classes" : `of "${positiveClass}"`;
  const rows: [string, number | null, Interval][] = [
    ["accuracy", metrics.accuracy, intervals.accuracy],
    ["precision", metrics.precision, intervals.precision],
    ["recall (sensitivity)", metrics.recall, intervals.recall],
    ["specificity", metrics.specificity, intervals.specificity],
    ["F1", metrics.f1, intervals.f1],
    ["AUC", metrics.rocAuc, intervals.rocAuc],
    ["average precision", metrics.averagePrecision, intervals.averagePrecision],
  ];
  const figures = formatTable(rows, [
    { title: `${split}, ${plural(metrics.samples, "picture")}`, cell: ([name]) => name },
    { title: "", cell: ([, value]) => share(value), align: "right" },
    { title: "95% interval", cell: ([, , interval]) => (interval ? range(interval) : "") },
  ]);
  const confusion = formatTable(
    classes.map((name, i) => ({ name, counts: confusionMatrix[i]! })),
    [
      { title: "true class \\ predicted", cell: ({ name }) => name },
      ...classes.map((title, i) => ({
        title,
        cell: ({ counts }: { counts: number[] }) => formatCount(counts[i]!),
        align: "right" as const,
      })),
    ],
  );
  return `${figures}All but the accuracy ${of}.\n\n${confusion}`;
}

const share = (value: number | null): string => (value === null ? "undefined" : value.toFixed(3));
const range = ([low, high]: NonNullable<Interval>): string => `${low.toFixed(3)} to ${high.toFixed(3)}`;
