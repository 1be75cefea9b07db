import type { HardestPictures, HardPicture, Metrics, SplitOutcome } from "@fracture/train";
import { formatClasses, formatConfusion } from "./classes.ts";
import { formatInterval, plural, printable } from "./format.ts";
import { formatTable } from "./table.ts";

type Interval = Metrics["intervals"]["accuracy"] | null;

/** What `formatMetrics` says, and how the model decides: calibration, threshold, and the accuracy without them. */
export function formatOutcome(outcome: SplitOutcome): string {
  const { split, metrics, decision, plain, calibration } = outcome;
  const lines: string[] = [];
  if (outcome.groups)
    lines.push(
      `Intervals are over ${plural(new Set(outcome.groups).size, "group")} of pictures: those of one film or patient say the same.`,
    );
  if (decision && plain) {
    const { threshold, temperature, reason, samples, bins } = decision;
    const on = `on ${plural(samples, "picture")} of val`;
    if (threshold) {
      const rule = threshold.rule === "youden" ? "by Youden's index" : `for a sensitivity of ${threshold.sensitivity}`;
      lines.push(
        `"${printable(threshold.positiveClass)}" is decided for from a probability of ${threshold.value.toFixed(3)} on, chosen ${rule} ${on};`,
        `by the larger probability the accuracy is ${share(plain.accuracy)} (${formatInterval(plain.intervals.accuracy)}).`,
      );
    }
    lines.push(
      `Calibration error ${share(calibration.calibrationError)} (${bins} bins), ${share(plain.calibrationError)} without the temperature of ${temperature.toFixed(3)}${reason === null ? ` fitted ${on}` : `: ${reason}`}.`,
    );
  }
  return formatMetrics(split, metrics) + (lines.length > 0 ? `\n${lines.join("\n")}\n` : "");
}

/** The pictures to look at first. */
export function formatHardest({ worstMistakes, leastCertain }: HardestPictures): string {
  const list = (title: string, pictures: readonly HardPicture[]): string =>
    formatTable(pictures, [
      { title, cell: ({ path }) => path },
      { title: "true class", cell: ({ label }) => label },
      { title: "probability", cell: ({ probability }) => probability.label.toFixed(3), align: "right" },
      { title: "predicted", cell: ({ predicted }) => predicted },
      { title: "probability", cell: ({ probability }) => probability.predicted.toFixed(3), align: "right" },
    ]);
  const worst = worstMistakes.length > 0 ? list("worst mistakes", worstMistakes) : "No mistakes.\n";
  return `${worst}\n${list("least certain", leastCertain)}`;
}

/** The figures of a split for people: with their 95% intervals where there are any, and the confusion matrix. */
export function formatMetrics(split: string, metrics: Metrics): string {
  const { positiveClass, intervals } = metrics;
  const of = positiveClass === null ? "is a mean over the classes, all alike" : `of "${positiveClass}"`;
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
    { title: "95% interval", cell: ([, , interval]) => formatInterval(interval) },
  ]);
  return `${figures}All but the accuracy ${of}.\n${formatClasses(metrics)}\n${formatConfusion(metrics)}`;
}

const share = (value: number | null): string => (value === null ? "undefined" : value.toFixed(3));
