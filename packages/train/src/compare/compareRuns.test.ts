import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { predictionsCsv } from "../run/results.ts";
import { compareRuns } from "./compareRuns.ts";
import { CompareError } from "./errors.ts";
import { mcnemar, type McNemar } from "./mcnemar.ts";

const folder = mkdtempSync(join(tmpdir(), "fracture-compare-"));
afterAll(() => rmSync(folder, { recursive: true }));
const CLASSES = ["fractured", "not fractured"];
const LABELS = Array.from({ length: 60 }, (_, i) => (i < 30 ? 0 : 1));

interface Changes {
  groups?: number[];
  names?: string[];
  labels?: number[];
  classes?: string[];
  root?: string;
}

/** A run whose scores are the label's, and noise; a larger `noise` makes it worse. */
function run(
  name: string,
  noise: number,
  { groups, names, labels = LABELS, classes = CLASSES, root = "/data" }: Changes = {},
): string {
  const out = join(folder, name);
  mkdirSync(join(out, "results"), { recursive: true });
  const paths = (names ?? labels.map((label, i) => `${label}/${i}.png`)).map((path) => `${root}/test/${path}`);
  const p = labels.map(
    (label, i) => 1 / (1 + Math.exp(label === 0 ? -1 : 1) * Math.exp(noise * Math.sin(i * 12.9898))),
  );
  const table = {
    classes,
    paths,
    labels,
    predicted: p.map((x) => (x >= 0.5 ? 0 : 1)),
    probabilities: p.flatMap((x) => [x, 1 - x]),
    groups,
  };
  writeFileSync(join(out, "results", "predictions.csv"), predictionsCsv(table));
  return out;
}

const oracle: { rows: McNemar[] } = JSON.parse(
  readFileSync(new URL("./testdata/mcnemar.json", import.meta.url), "utf8"),
);
test.each(oracle.rows)("McNemar's p-value of $onlyFirst against $onlySecond is statsmodels'", (row) => {
  const found = mcnemar(row.onlyFirst, row.onlySecond);
  expect(found).toMatchObject({ ...row, pValue: expect.any(Number) });
  expect(Math.abs(found.pValue - row.pValue)).toBeLessThan(row.method === "exact" ? 1e-11 : 2e-7);
});

test("the better of two runs on the same pictures, found in another place and order, is told apart", () => {
  const good = run("good", 0.9);
  const order = LABELS.map((_, i) => LABELS.length - 1 - i);
  const bad = run("bad", 3, { root: "/elsewhere/copy" });
  const found = compareRuns(good, bad);
  expect(found).toMatchObject({ samples: 60, positiveClass: "fractured", accuracy: { first: 1 } });
  expect(found.accuracy.difference).toBeCloseTo(found.accuracy.second - 1, 12);
  expect(found.mcnemar).toMatchObject({ onlyFirst: Math.round(60 * (1 - found.accuracy.second)), onlySecond: 0 });
  expect(found.mcnemar.pValue).toBeLessThan(0.01);
  expect(found.accuracy.interval![1]).toBeLessThan(0);
  expect(found.rocAuc!.interval![1]).toBeLessThan(0);

  const file = join(bad, "results", "predictions.csv");
  const [header, ...lines] = readFileSync(file, "utf8").trimEnd().split("\n");
  writeFileSync(file, [header, ...order.map((i) => lines[i]), ""].join("\n"));
  expect(compareRuns(good, bad)).toEqual(found);
});

test("the paired interval of the accuracy is that of the discordant pairs", () => {
  const { accuracy, mcnemar: pairs } = compareRuns(run("a", 2), run("b", 4));
  const { onlyFirst: b, onlySecond: c } = pairs;
  // The variance of a paired difference of shares, were the samples not drawn by class: (b + c - (b - c)^2 / n) / n^2.
  const wald = (1.96 * Math.sqrt(b + c - (b - c) ** 2 / 60)) / 60;
  const [low, high] = accuracy.interval!;
  expect((low + high) / 2).toBeCloseTo((c - b) / 60, 12);
  expect((high - low) / 2 / wald).toBeGreaterThan(0.9);
  expect((high - low) / 2 / wald).toBeLessThan(1.05);
});

test("pictures of one film make the intervals those of films", () => {
  const film = LABELS.map((_, i) => Math.floor(i / 6));
  const names = film.map((f, i) => `${f}/${i}.png`);
  const alone = compareRuns(run("one", 2, { names }), run("two", 5, { names }));
  const together = compareRuns(run("three", 2, { names, groups: film }), run("four", 5, { names }));
  expect([alone.groups, together.groups]).toEqual([null, 10]);
  const width = ({ interval }: { interval: readonly [number, number] | null }): number => interval![1] - interval![0];
  expect(together.accuracy.difference).toBe(alone.accuracy.difference);
  expect(width(together.accuracy)).not.toBeCloseTo(width(alone.accuracy), 3);
  const turned = compareRuns(run("five", 2, { names }), run("six", 5, { names, groups: film }));
  expect(turned.accuracy.interval).toEqual(together.accuracy.interval);
});

test("a run and itself do not differ", () => {
  const same = run("same", 3);
  expect(compareRuns(same, same)).toMatchObject({
    accuracy: { difference: 0, interval: null },
    mcnemar: { pValue: 1 },
  });
});

test.each<[string, Changes, string]>([
  ["fewer", { labels: LABELS.slice(0, 50) }, "the runs were tested on other pictures"],
  [
    "renamed",
    { names: LABELS.map((_, i) => (i === 3 ? "0/new.png" : `${LABELS[i]}/${i}.png`)) },
    "only in .*1, such as 0/3.png",
  ],
  [
    "relabelled",
    { labels: LABELS.map((l, i) => (i === 4 ? 1 : l)), names: LABELS.map((l, i) => `${l}/${i}.png`) },
    '0/4.png is "fractured" in .*, but "not fractured" in',
  ],
  ["classes", { classes: ["broken", "whole"] }, "the runs tell other classes apart"],
  ["twice", { names: LABELS.map((l, i) => `${l}/${i === 5 ? 6 : i}.png`) }, "has 0/6.png more than once"],
])("runs with other test sets are refused: %s", (name, changes, message) => {
  const compare = (): unknown => compareRuns(run("reference", 1), run(name, 1, changes));
  expect(compare).toThrow(CompareError);
  expect(compare).toThrow(new RegExp(message));
});

test("a folder without predictions, and a file that is none, are refused with their name", () => {
  expect(() => compareRuns(folder, folder)).toThrow(`${folder}: holds no predictions`);
  expect(() => compareRuns(join(folder, "nothing"), folder)).toThrow("nothing: no such run folder");
  const odd = join(folder, "odd.csv");
  writeFileSync(odd, "a,b\n1,2\n");
  expect(() => compareRuns(odd, odd)).toThrow(`${odd}: is no table of predictions`);
});
