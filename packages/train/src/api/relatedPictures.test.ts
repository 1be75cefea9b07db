import { expect, test } from "vitest";
import type { DataFolder } from "../data/folder.ts";
import { groupsOf, relatedPictures } from "./relatedPictures.ts";

const at = (name: string): string => `/data/test/${name}`;
const data: DataFolder = {
  root: "/data",
  base: "/data",
  layout: "splits",
  classes: ["fractured", "whole"],
  splits: {
    train: null,
    val: null,
    test: {
      paths: ["fractured/p1_a.png", "fractured/p1_b.png", "fractured/p2_a.png", "whole/p3_a.png", "whole/p4_a.png"].map(
        at,
      ),
      labels: [0, 0, 0, 1, 1],
    },
  },
  ignored: [],
  patients: null,
  columns: null,
};
const paths = data.splits.test!.paths;

test("pictures of one film, and of one patient, are one group; others stand for themselves", () => {
  const films = {
    groups: [
      ["test/fractured/p2_a.png", "test/whole/p3_a.png"],
      ["train/whole/gone.png", "test/whole/p4_a.png"],
    ],
  };
  const related = relatedPictures(data, films, { patientPattern: "^(p\\d)_" });
  const [a, b, c, d, e] = groupsOf(paths, related)!;
  expect([a === b, c === d]).toEqual([true, true]);
  expect(new Set([a, c, e]).size).toBe(3);
});

test("a patient's copy of another patient's film makes the two one group", () => {
  const films = { groups: [["test/fractured/p1_b.png", "test/fractured/p2_a.png"]] };
  const groups = groupsOf(paths, relatedPictures(data, films, { patientPattern: "^(p\\d)_" }))!;
  expect(new Set(groups.slice(0, 3)).size).toBe(1);
});

test("a CSV file's patients count without a pattern", () => {
  const patients = new Map([
    [at("whole/p3_a.png"), "x"],
    [at("whole/p4_a.png"), "x"],
  ] as const);
  const groups = groupsOf(paths, relatedPictures({ ...data, patients }, null, { patientPattern: null }))!;
  expect(groups[3]).toBe(groups[4]);
});

test("where nothing is related there are no groups", () => {
  expect(groupsOf(paths, relatedPictures(data, { groups: [] }, { patientPattern: null }))).toBeUndefined();
});
