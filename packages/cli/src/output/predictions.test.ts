import { parseCsv, csvLine, type Prediction } from "@fracture/train";
import { expect, it } from "vitest";
import type { Sink } from "../io.ts";
import { predictionWriter, type PredictionFormat, type Shown } from "./predictions.ts";

const prediction = (path: string, more: Partial<Prediction> = {}): Prediction => ({
  path,
  class: "fractured",
  classes: ["fractured", "whole"],
  probabilities: { fractured: 0.75, whole: 0.25 },
  threshold: null,
  logits: [1, -0.0986],
  distance: null,
  source: {
    format: "dicom",
    width: 2048,
    height: 2500,
    bits: 12,
    colour: "grey",
    conversions: [
      { kind: "window", text: "window 2048/4096 applied" },
      { kind: "inverted", text: "MONOCHROME1 inverted" },
    ],
  },
  ...more,
});
const far = { value: 0.9, percentile: 100, far: true };
const near = { value: 0.5, percentile: 41.25, far: false };

/** What was written after each of the rows, and at the end. */
function written(format: PredictionFormat, rows: readonly Prediction[], shown: Partial<Shown> = {}): string[] {
  const parts: string[] = [];
  let text = "";
  const sink: Sink = { write: (part) => void (text += part), isTTY: false, columns: 80 };
  const writer = predictionWriter(
    format,
    sink,
    { logits: false, verbose: false, explanations: false, ...shown },
    csvLine,
  );
  for (const row of rows) {
    writer.prediction(row);
    parts.push(text);
  }
  writer.unreadable({ path: "broken.png", error: "is empty" });
  writer.end();
  return [...parts, text];
}

it("JSON says everything, lines of it as they come, and has a place for what can't be read", () => {
  const rows = [prediction("a.dcm", { distance: far }), prediction("b.dcm")];
  const lines = written("jsonl", rows);
  expect(lines[0]!.endsWith("\n")).toBe(true);
  const parsed = lines[2]!
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);
  expect(parsed).toMatchObject([
    {
      path: "a.dcm",
      probabilities: { fractured: 0.75, whole: 0.25 },
      distance: far,
      source: { format: "dicom", bits: 12, conversions: ["window 2048/4096 applied", "MONOCHROME1 inverted"] },
    },
    { path: "b.dcm", class: "fractured", threshold: null },
    { path: "broken.png", error: "is empty" },
  ]);
  expect(parsed[1]).not.toHaveProperty("distance");
  const array = written("json", rows);
  expect(array[0]).toBe(`[\n${lines[0]!.trimEnd()}`);
  expect(JSON.parse(array[2]!)).toEqual(parsed);
});

it("CSV has a column of how far only where the model tells, and what was done only where it is asked for", () => {
  const plain = written("csv", [prediction("a, b.png")]);
  expect(plain[1]).toBe('path,class,prob_fractured,prob_whole,threshold\n"a, b.png",fractured,0.75,0.25,\n');
  const [head, row] = parseCsv(written("csv", [prediction("a.dcm", { distance: near })], { verbose: true })[1]!);
  expect(Object.fromEntries(head!.map((name, i) => [name, row![i]]))).toEqual({
    path: "a.dcm",
    class: "fractured",
    prob_fractured: "0.75",
    prob_whole: "0.25",
    threshold: "",
    distance: "0.5",
    distance_percentile: "41.25",
    far: "false",
    format: "dicom",
    width: "2048",
    height: "2500",
    bits: "12",
    colour: "grey",
    conversions: "window 2048/4096 applied; MONOCHROME1 inverted",
  });
});

it("a table waits for its first rows to know its widths, then shows each row at once", () => {
  const rows = Array.from({ length: 12 }, (_, i) =>
    prediction(`${"x".repeat(i)}.png`, { distance: i === 3 ? far : near }),
  );
  const shown = written("table", rows);
  expect(shown.slice(0, 7)).toEqual(Array.from({ length: 7 }, () => ""));
  expect(shown[7]!.split("\n").slice(0, 5)).toEqual([
    "picture      class      probability  farther than",
    ".png         fractured        0.750         41.3%",
    "x.png        fractured        0.750         41.3%",
    "xx.png       fractured        0.750         41.3%",
    "xxx.png      fractured        0.750    FAR 100.0%",
  ]);
  expect(shown[8]!.length).toBeGreaterThan(shown[7]!.length);
  expect(shown.at(-1)).toContain(
    "\nxxxxxxxxxxx.png  fractured        0.750         41.3%\n\nFAR: the picture is unlike what",
  );
});

it("a table says what was done to each file where it is asked for", () => {
  expect(written("table", [prediction("a.dcm")], { verbose: true })[1]).toBe(
    "picture  class      probability  file\n" +
      "a.dcm    fractured        0.750  DICOM, 2048 x 2500, 12 bits, grey: window 2048/4096 applied; MONOCHROME1 inverted\n\n",
  );
});
