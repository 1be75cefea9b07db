import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { writeSubgroups } from "../run/subgroups.ts";
import { valuesOf } from "./columnValues.ts";
import { computeMetrics } from "./metrics.ts";
import { outcomeOf, type SplitOutcome } from "./report.ts";
import { FEWEST_UNITS, NO_VALUE, subgroupsOf } from "./subgroups.ts";

const classes = ["fractured", "whole"];
const COUNT = 60;

/** Sixty pictures whose every fifth is taken for the other class. */
function outcome(groups?: readonly number[]): SplitOutcome {
  const labels = Array.from({ length: COUNT }, (_, i) => i % 2);
  const logits = labels.flatMap((label, i) => {
    const guess = i % 5 === 0 ? 1 - label : label;
    return guess === 0 ? [1 + i / 100, 0] : [0, 1 + i / 100];
  });
  const paths = labels.map((_, i) => `/x/${i}.png`);
  return outcomeOf({ split: "test", classes, paths, labels, logits: Float32Array.from(logits), groups });
}

/** Columns by functions of a picture's number. */
function columns(of: Readonly<Record<string, (i: number) => string>>) {
  const cells = (i: number) => new Map(Object.entries(of).map(([name, cell]) => [name, cell(i)]));
  return { names: Object.keys(of), of: new Map(Array.from({ length: COUNT }, (_, i) => [`/x/${i}.png`, cells(i)])) };
}

describe("figures by a column's values", () => {
  test("are those of the pictures that have the value, with their intervals", () => {
    const all = outcome();
    const { rows, split } = subgroupsOf(all, columns({ site: (i) => (i < 20 ? "b" : "a") }))!;
    expect([split, rows.map(({ value, samples, perClass }) => [value, samples, perClass])]).toEqual([
      "test",
      [
        ["a", 40, [20, 20]],
        ["b", 20, [10, 10]],
      ],
    ]);
    const members = Array.from({ length: 20 }, (_, i) => i);
    const own = computeMetrics({
      classes,
      labels: members.map((i) => all.labels[i]!),
      probabilities: Array.from(all.probabilities.subarray(0, 40)),
      predicted: members.map((i) => all.predicted[i]!),
    });
    expect(rows[1]!.figures).toEqual({
      accuracy: { value: 0.8, interval: own.intervals.accuracy },
      sensitivity: { value: own.recall, interval: own.intervals.recall },
      specificity: { value: own.specificity, interval: own.intervals.specificity },
      AUC: { value: own.rocAuc, interval: own.intervals.rocAuc },
    });
  });

  test("are not given of a value with few pictures, which is named all the same", () => {
    const { rows } = subgroupsOf(outcome(), columns({ view: (i) => (i < FEWEST_UNITS - 1 ? "ap" : "lateral") }))!;
    expect(rows.map(({ value, samples, tooFew, figures }) => [value, samples, tooFew, Object.keys(figures)])).toEqual([
      ["ap", FEWEST_UNITS - 1, true, []],
      ["lateral", COUNT - FEWEST_UNITS + 1, false, ["accuracy", "sensitivity", "specificity", "AUC"]],
    ]);
  });

  test("count the pictures of one film or patient once", () => {
    const sixOfTen = outcome(Array.from({ length: COUNT }, (_, i) => Math.floor(i / 10)));
    const { rows } = subgroupsOf(sixOfTen, columns({ sex: (i) => (i < 30 ? "f" : "m") }))!;
    expect(rows.map(({ units, tooFew }) => [units, tooFew])).toEqual([
      [3, true],
      [3, true],
    ]);
  });

  test("of numbers are by quartiles; equal numbers don't part", () => {
    const { rows } = subgroupsOf(outcome(), columns({ age: (i) => String(20 + i) }))!;
    expect(rows.map(({ value, samples }) => [value, samples])).toEqual([
      ["20 to 34", 15],
      ["35 to 49", 15],
      ["50 to 64", 15],
      ["65 to 79", 15],
    ]);
    // Half of them are 30: one part, and what is below and above it.
    const lumped = columns({ age: (i) => (i < 30 ? "30" : String(i - 20)) });
    const values = subgroupsOf(outcome(), lumped)!.rows.map(({ value, samples }) => [value, samples] as const);
    expect(values).toEqual([
      ["10 to 24", 15],
      ["25 to 30", 36],
      ["31 to 39", 9],
    ]);
  });

  test("of few numbers are by each, in their order, and pictures without a value are a group of their own", () => {
    const { rows } = subgroupsOf(outcome(), columns({ grade: (i) => ["10", "9", ""][i % 3]! }))!;
    expect(rows.map(({ value, samples }) => [value, samples])).toEqual([
      ["9", 20],
      ["10", 20],
      [NO_VALUE, 20],
    ]);
  });

  test("divide as many pictures as there may be, in time that grows as they do", () => {
    const many = 600_000;
    const sizes = (cell: (i: number) => string): (readonly [string, number])[] =>
      valuesOf(Array.from({ length: many }, (_, i) => cell(i))).map(({ value, members }) => [value, members.length]);
    expect(sizes((i) => String(i))).toEqual([
      ["0 to 149999", 150_000],
      ["150000 to 299999", 150_000],
      ["300000 to 449999", 150_000],
      ["450000 to 599999", 150_000],
    ]);
    expect(sizes((i) => "ab"[i % 2]!)).toEqual([
      ["a", 300_000],
      ["b", 300_000],
    ]);
  });

  test("are left out of names, of what is the same everywhere, and of what is empty", () => {
    const given = columns({ study: (i) => `s${i}`, device: () => "A", note: () => "" });
    expect(subgroupsOf(outcome(), given)).toEqual({
      split: "test",
      rows: [],
      leftOut: [
        { column: "study", why: "has 60 values" },
        { column: "device", why: "is the same in all pictures" },
        { column: "note", why: "is empty" },
      ],
    });
    expect(subgroupsOf(outcome(), columns({}))).toBeNull();
    expect(subgroupsOf(outcome(), null)).toBeNull();
  });

  test("are written as JSON, and as CSV with a line a figure", async () => {
    const folder = mkdtempSync(join(tmpdir(), "fracture-subgroups-"));
    const found = subgroupsOf(outcome(), columns({ "site, ward": (i) => (i < 5 ? "b" : "a") }))!;
    await writeSubgroups(folder, found);
    expect(JSON.parse(readFileSync(join(folder, "subgroups.json"), "utf8"))).toEqual(found);
    const lines = readFileSync(join(folder, "subgroups.csv"), "utf8").split("\n");
    expect(lines[0]).toBe("column,value,samples,units,too_few,figure,estimate,interval_low,interval_high");
    expect(lines[1]).toMatch(/^"site, ward",a,55,55,false,accuracy,0\.8,0\.67\d*,0\.88\d*$/);
    expect(lines[5]).toBe('"site, ward",b,5,5,true,,,,');
    rmSync(folder, { recursive: true });
  });
});
