import { describe, expect, test } from "vitest";
import {
  DEFAULT_FRACTIONS,
  joinGroups,
  patientFromPattern,
  SplitError,
  splitItems,
  SPLITS,
  type SplitItem,
} from "./split.ts";

const classes = ["fractured", "whole"];
const options = { seed: 7, fractions: DEFAULT_FRACTIONS, classes };

/** Pictures of their own patients. */
const singles = (fractured: number, whole: number): SplitItem[] =>
  [fractured, whole].flatMap((count, label) =>
    Array.from({ length: count }, (_, i) => ({ label, group: `${classes[label]}/${i}.png` })),
  );

function counts(items: readonly SplitItem[], split: readonly string[]): number[][] {
  return SPLITS.map((name) =>
    classes.map((_, label) => items.filter((item, i) => item.label === label && split[i] === name).length),
  );
}

describe("splitItems", () => {
  test.each([
    [10, 20, [8, 16], [1, 2], [1, 2]],
    [3, 4, [1, 2], [1, 1], [1, 1]],
    [104, 37, [84, 29], [10, 4], [10, 4]],
  ])("gives every split its share of each class: %i and %i", (fractured, whole, ...expected) => {
    const items = singles(fractured, whole);
    expect(counts(items, splitItems(items, options))).toEqual(expected);
  });

  test("does not depend on the order of the items", () => {
    const items = singles(40, 60);
    const split = splitItems(items, options);
    const turned = items.toReversed();
    expect(splitItems(turned, options)).toEqual(split.toReversed());
  });

  test("depends on the seed, and on nothing else", () => {
    const items = singles(40, 60);
    expect(splitItems(items, options)).toEqual(splitItems(items, options));
    expect(splitItems(items, { ...options, seed: 8 })).not.toEqual(splitItems(items, options));
  });

  test("keeps the pictures of a patient together, whatever their classes", () => {
    const items = Array.from({ length: 300 }, (_, i) => ({ label: (i * 7) % 3 === 0 ? 0 : 1, group: `${i % 60}` }));
    const split = splitItems(items, options);
    const splitsOf = new Map(items.map(({ group }) => [group, new Set<string>()]));
    items.forEach(({ group }, i) => splitsOf.get(group)!.add(split[i]!));
    expect([...splitsOf.values()].every((found) => found.size === 1)).toBe(true);
    // Patients of five pictures: each share is met to within a patient or two.
    const [train, val, test] = SPLITS.map((name) => split.filter((found) => found === name).length);
    for (const [found, wished] of [
      [train, 240],
      [val, 30],
      [test, 30],
    ] as const) {
      expect(Math.abs(found! - wished)).toBeLessThanOrEqual(10);
    }
  });

  test("few patients of many pictures reach every split", () => {
    const items = Array.from({ length: 60 }, (_, i) => ({ label: i % 2, group: `${Math.floor(i / 10)}` }));
    expect(counts(items, splitItems(items, options))).toEqual([
      [20, 20],
      [5, 5],
      [5, 5],
    ]);
  });

  test("a split of fraction 0 gets nothing", () => {
    const items = singles(10, 10);
    const split = splitItems(items, { ...options, fractions: { train: 0.7, val: 0.3, test: 0 } });
    expect(counts(items, split)).toEqual([
      [7, 7],
      [3, 3],
      [0, 0],
    ]);
  });

  test("refuses fractions that make no sense, and what is too little to split", () => {
    const wrong = { train: 0.8, val: 0.1, test: 0.2 };
    expect(() => splitItems(singles(9, 9), { ...options, fractions: wrong })).toThrow(
      "fractions must be at least 0, train's more, and sum to 1, got train 0.8, val 0.1, test 0.2",
    );
    expect(() => splitItems(singles(9, 2), options)).toThrow(
      'class "whole" has 2 pictures, too few to be split into train, val, test',
    );
    const one = singles(9, 9).map((item) => ({ ...item, group: "the only patient" }));
    expect(() => splitItems(one, options)).toThrow(
      /no patient or film is left to give val a picture of "fractured", "whole"/,
    );
  });
});

describe("patientFromPattern", () => {
  test("takes the named group, else the first one", () => {
    expect(patientFromPattern("^(\\d+)__")("107__107-rotated1.jpg")).toBe("107");
    expect(patientFromPattern("(study\\d)_(?<patient>p\\d+)")("study1_p22_3.png")).toBe("p22");
    expect(patientFromPattern("^(\\d+)__")("scan.jpg")).toBeNull();
  });

  test("refuses a pattern without a group, and one that is none", () => {
    expect(() => patientFromPattern("^\\d+")).toThrow(SplitError);
    expect(() => patientFromPattern("(")).toThrow('"(" is no regular expression');
  });
});

describe("joinGroups", () => {
  const items = ["a", "b", "c", "d", "b"].map((group, label) => ({ group, label }));

  test("makes one group of all that are tied to each other, through others too, with the first one's name", () => {
    // c and the second b; d and the first b
    expect(joinGroups(items, [[2, 4], [3, 1]]).map(({ group }) => group)).toEqual(["a", "b", "b", "b", "b"]); // prettier-ignore
  });

  test("leaves a split without copies as it is", () => {
    expect(joinGroups(items, [])).toEqual(items);
    const many = singles(40, 60);
    const [first, second] = [many[0]!, many[1]!];
    const joined = joinGroups(many, [[0, 1]]);
    expect(joined.slice(2)).toEqual(many.slice(2));
    expect(joined.slice(0, 2).map(({ group }) => group)).toEqual([first.group, first.group]);
    expect(second.group).not.toBe(first.group);
  });
});
