import { computeMetrics, type Metrics } from "@fracture/train";
import { describe, expect, it } from "vitest";
import { formatClasses, formatConfusion } from "./classes.ts";
import { formatMetrics } from "./metrics.ts";

/** Every fourth sample is taken for the next class. */
function metricsOf(classes: readonly string[], each = 8): Metrics {
  const labels = Array.from({ length: classes.length * each }, (_, i) => i % classes.length);
  const probabilities = labels.flatMap((label, i) => {
    const guess = i % 4 === 0 ? (label + 1) % classes.length : label;
    return classes.map((_, c) => (c === guess ? 0.7 : 0.3 / (classes.length - 1)));
  });
  return computeMetrics({ classes, labels, probabilities }, { resamples: 50 });
}
const many = (count: number): string[] => Array.from({ length: count }, (_, i) => `kind ${i + 1}`);
const lines = (text: string): string[] => text.trim().split("\n");

describe("several classes on a terminal", () => {
  it("each has a line with its intervals, and below are both means", () => {
    const metrics = metricsOf(["a", "b, c", "d"]);
    const [head, ...rows] = lines(formatClasses(metrics));
    expect(head).toMatch(/^class +pictures +precision +recall +F1 +AUC$/);
    expect(rows.map((row) => row.split(/ {2,}/)[0])).toEqual(["a", "b, c", "d", "mean", "mean by pictures"]);
    const { recall, intervals } = metrics.perClass[1]!;
    expect(rows[1]).toContain(`${recall!.toFixed(3)} (${intervals.recall!.map((end) => end.toFixed(3)).join(" to ")})`);
    expect(rows[4]).toContain(metrics.weighted.f1!.toFixed(3));
    expect(formatMetrics("test", metrics)).toContain(formatClasses(metrics));
  });

  it("two have none: the figures above are those of the positive one", () => {
    expect(formatClasses(metricsOf(["fractured", "not fractured"]))).toBe("");
  });

  it("of very many the lowest are shown, and that they are not all is said", () => {
    const metrics = metricsOf(many(60), 2);
    const shown = lines(formatClasses(metrics));
    expect(shown).toHaveLength(1 + 30 + 2 + 1);
    expect(shown.at(-1)).toBe("The 30 classes with the lowest F1; metrics.json has all 60.");
    const lowest = Math.min(...metrics.perClass.map(({ f1 }) => f1 ?? 0));
    expect(shown[1]).toContain(lowest.toFixed(3));
    expect(formatConfusion(metrics)).toBe("The confusion matrix of 60 classes is among the plots.\n");
  });

  it("short names head the columns of the confusion matrix", () => {
    expect(formatConfusion(metricsOf(["a", "b", "c"], 4))).toBe(
      "true class \\ predicted  a  b  c\na                       3  1  0\nb                       0  3  1\nc                       1  0  3\n",
    );
  });

  it("long ones are numbered and lose their middle, so that no line is too long for a terminal", () => {
    const names = [
      "a",
      "b",
      `displaced ${"fracture ".repeat(12)}of the left`,
      `displaced ${"fracture ".repeat(12)}of the right`,
    ];
    const [head, ...rows] = lines(formatConfusion(metricsOf(names)));
    expect(head).toMatch(/^true class \\ predicted +1 +2 +3 +4$/);
    expect(rows[0]).toMatch(/^1 {2}a +\d/);
    expect(rows[2]).toMatch(/^3 {2}displaced fracture .*….*the left +\d/);
    expect(rows[3]).toMatch(/^4 {2}displaced fracture .*….*the right +\d/);
    for (const line of lines(formatClasses(metricsOf(names)))) expect(line.length).toBeLessThan(160);
  });
});
