import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { outcomeOf } from "../../evaluate/report.ts";
import { FEWEST_UNITS, subgroupsOf } from "../../evaluate/subgroups.ts";
import { readSubgroups, writeSubgroups } from "../../run/subgroups.ts";
import { html } from "../page/html.ts";
import { subgroupsSection } from "./subgroups.ts";

const folder = mkdtempSync(join(tmpdir(), "fracture-report-subgroups-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** The cells of the rows of the only table, heading first, as a reader sees them. */
const cellsOf = (text: string): string[][] =>
  [...text.matchAll(/<tr>[^]*?<\/tr>/g)].map(([row]) =>
    [...row.matchAll(/<t[hd][^>]*>([^]*?)<\/t[hd]>/g)].map(([, cell = ""]) => cell.replaceAll(/<[^>]*>/g, "")),
  );

it("every figure that training and evaluation write by a column's values stands in the table", async () => {
  const count = 40;
  const labels = Array.from({ length: count }, (_, i) => i % 2);
  const logits = Float32Array.from(labels.flatMap((label, i) => (label === 0 || i % 5 === 0 ? [1, 0] : [0, 1])));
  const paths = labels.map((_, i) => `/x/${i}.png`);
  const outcome = outcomeOf({ split: "test", classes: ["fractured", "whole"], paths, labels, logits });
  const few = FEWEST_UNITS - 1;
  const of = new Map(paths.map((path, i) => [path, new Map([["view", i < few ? "ap" : "lateral"]])]));
  const found = subgroupsOf(outcome, { names: ["view"], of })!;
  await writeSubgroups(folder, found);
  const notes: string[] = [];
  const subgroups = await readSubgroups(join(folder, "subgroups.json"), (line) => notes.push(line));
  const [head, ap, lateral] = cellsOf(html`${subgroupsSection({ subgroups })}`.text);
  expect(notes).toEqual([]);
  expect(subgroups).toEqual(found);
  expect(head).toEqual(["view", "Images", "Accuracy", "Sensitivity", "Specificity", "AUC"]);
  expect(ap).toEqual(["ap", String(few), "too few", "too few", "too few", "too few"]);
  const shown = Object.values(subgroups!.rows[1]!.figures).map(({ value }) => value!.toFixed(3));
  expect(lateral!.slice(2).map((cell) => cell.split(" ")[0])).toEqual(shown);
});
