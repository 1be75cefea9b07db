import { expect, test } from "vitest";
import { hardestPictures } from "./hardest.ts";
import { outcomeOf } from "./report.ts";

const two = {
  split: "test" as const,
  classes: ["fractured", "not fractured"],
  paths: ["a.png", "b.png", "c.png", "d.png"],
  labels: [0, 0, 1, 1],
  logits: Float32Array.of(-3, 0, 0.1, 0, 1, 0, -2, 0),
};
const names = (pictures: readonly { path: string }[]): string[] => pictures.map(({ path }) => path);

test("the worst mistake gave its true class the least; the least certain lies next to the threshold", () => {
  const plain = hardestPictures(outcomeOf(two));
  expect(names(plain.worstMistakes)).toEqual(["a.png", "c.png"]);
  expect(plain.worstMistakes[0]).toMatchObject({ label: "fractured", predicted: "not fractured" });
  expect(plain.worstMistakes[0]!.probability.label).toBeCloseTo(1 / (1 + Math.exp(3)), 6);
  expect(names(plain.leastCertain)[0]).toBe("b.png");
  const decision = {
    temperature: 2,
    reason: null,
    threshold: { positiveClass: "fractured", value: 0.62, rule: "youden" as const, sensitivity: null },
    samples: 9,
    bins: 15,
    before: { logLoss: 1, calibrationError: 0.1 },
    after: { logLoss: 1, calibrationError: 0.1 },
  };
  // Probabilities 0.18, 0.51, 0.62, 0.27 of a fracture.
  const decided = outcomeOf({ ...two, decision });
  expect([...decided.predicted]).toEqual([1, 1, 0, 1]);
  expect(names(hardestPictures(decided, 2).leastCertain)).toEqual(["c.png", "b.png"]);
  expect(names(hardestPictures(decided).worstMistakes)).toEqual(["a.png", "c.png", "b.png"]);
  expect(decided.plain).toMatchObject({ accuracy: 0.5 });
  expect(decided.metrics.accuracy).toBe(0.25);
});

test("of several classes the least certain has its two most probable closest together", () => {
  const logits = Float32Array.of(3, 0, 0, 1, 1.1, -5, 0, 0.5, 2);
  const three = { ...two, classes: ["a", "b", "c"], paths: ["1", "2", "3"], labels: [0, 1, 2], logits };
  const { worstMistakes, leastCertain } = hardestPictures(outcomeOf(three));
  expect(worstMistakes).toEqual([]);
  expect(names(leastCertain)).toEqual(["2", "3", "1"]);
});
