import { readFileSync } from "node:fs";
import { nn } from "@fracture/tensor";
import { describe, expect, test } from "vitest";
import { clusteredAuc } from "./clusteredAuc.ts";

interface Case {
  readonly positive: readonly number[];
  readonly scores: readonly number[];
  readonly clusters: readonly number[];
  readonly auc: number;
  readonly interval: readonly [number, number];
}

// Made by clusteredAuc.py beside it.
const CASES = JSON.parse(
  readFileSync(new URL("./testdata/clusteredAuc.json", import.meta.url), "utf8"),
) as readonly Case[];

describe("the area under the ROC curve of clustered samples", () => {
  test.each(CASES.map((one, i) => [i, one] as const))(
    "is scikit-learn's, with DeLong's and Obuchowski's interval: case %i",
    (_, { positive, scores, clusters, auc, interval }) => {
      const found = clusteredAuc(positive.map(Boolean), scores, clusters)!;
      expect(found.auc).toBeCloseTo(auc, 12);
      expect(found.interval[0]).toBeCloseTo(interval[0], 10);
      expect(found.interval[1]).toBeCloseTo(interval[1], 10);
    },
  );

  test("has an interval that is not empty where the classes are told apart perfectly", () => {
    const positive = [true, true, true, false, false, false, false];
    const scores = [5, 6, 7, 1, 2, 3, 4];
    const apart = clusteredAuc(positive, scores, [0, 1, 2, 3, 4, 5, 6])!;
    expect(apart.auc).toBe(1);
    expect(apart.interval[0]).toBeLessThan(0.5);
    expect(apart.interval[1]).toBe(1);
    const turned = clusteredAuc(
      positive,
      scores.map((score) => -score),
      [0, 1, 2, 3, 4, 5, 6],
    )!;
    expect([turned.auc, turned.interval[0]]).toEqual([0, 0]);
  });

  test("is not there where there is one class only", () => {
    expect(clusteredAuc([true, true], [1, 2], [0, 1])).toBeNull();
  });

  test("lies in its interval 93 to 97 times of a hundred, though samples come in fours", () => {
    let inside = 0;
    const trials = 1000;
    const generator = new nn.Generator(11);
    for (let trial = 0; trial < trials; trial++) {
      const normals = generator.normal([240]);
      const clusters = Array.from({ length: 160 }, (_, i) => Math.floor(i / 4));
      const positive = clusters.map((cluster) => cluster % 2 === 0);
      // A difference of 1 between two values of variance 0.75 + 0.25: the area is Phi(1 / sqrt 2).
      const scores = clusters.map(
        (cluster, i) => Math.sqrt(0.75) * normals[cluster]! + 0.5 * normals[40 + i]! + (positive[i] ? 1 : 0),
      );
      const [low, high] = clusteredAuc(positive, scores, clusters)!.interval;
      if (low <= 0.7602499 && high >= 0.7602499) inside += 1;
    }
    expect(inside / trials).toBeGreaterThan(0.93);
    expect(inside / trials).toBeLessThan(0.97);
  });
});
