import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { HistoryRow } from "../run/history.ts";
import { computeMetrics } from "./metrics.ts";
import type { Predictions } from "./predictions.ts";
import {
  confusionMatrixPlot,
  drawPlots,
  renderPng,
  rooflinePlot,
  trainingCurvesPlot,
  writePlots,
  type PlotInputs,
  type RooflinePoint,
} from "./plots.ts";
import { textWidth } from "./svg/font.ts";

function history(epochs: number, change: (epoch: number) => Partial<HistoryRow> = () => ({})): HistoryRow[] {
  return Array.from({ length: epochs }, (_, i) => ({
    epoch: i + 1,
    stage: i < epochs / 2 ? "head" : "layer4 and head",
    trainLoss: 0.3 + 0.5 * Math.exp(-i / 8),
    trainAccuracy: 0.9 - 0.4 * Math.exp(-i / 8),
    valLoss: 0.5 + 0.3 * Math.exp(-i / 5),
    valAccuracy: 0.78 - 0.25 * Math.exp(-i / 5),
    lrBackbone: i < epochs / 2 ? null : 1e-5,
    lrHead: 1e-3 * 0.1 ** Math.floor(i / 7),
    seconds: 1,
    imagesPerSecond: 1,
    ...change(i + 1),
  }));
}

/** Predictions that are right four times out of five. */
function predictions(classes: readonly string[], samples: number): Predictions {
  const labels = Array.from({ length: samples }, (_, i) => i % classes.length);
  const probabilities = labels.flatMap((label, i) => {
    const guess = i % 5 === 0 ? (label + 1) % classes.length : label;
    const sure = 0.5 + 0.49 * Math.abs(Math.sin(i));
    return classes.map((_, c) => (c === guess ? sure : (1 - sure) / (classes.length - 1)));
  });
  return { classes, labels, probabilities };
}

const many = (count: number) =>
  Array.from({ length: count }, (_, i) => `a kind of fracture with a long name, no. ${i}`);
/** In both layouts. */
const draw = (inputs: PlotInputs): Record<string, string> => ({
  ...drawPlots(inputs),
  ...Object.fromEntries(Object.entries(drawPlots(inputs, "column")).map(([name, svg]) => [`${name}, a column`, svg])),
});
const training = (rows: HistoryRow[], bestEpoch: number | null = 1) => draw({ training: { history: rows, bestEpoch } });
const evaluation = (given: Predictions) => draw({ evaluation: { predictions: given } });
const decided = (given: Predictions) =>
  draw({ evaluation: { predictions: given, threshold: 0.317, plain: predictions(given.classes, 300) } });

const roofline = (points: RooflinePoint[], name = "matmul") =>
  rooflinePlot({
    title: "Convolutions",
    subtitle: "a device",
    flop: { rate: 23.4, measured: name },
    bytes: { rate: 11, measured: "copies" },
    points,
  });
const layerPoints = (layers: number): RooflinePoint[] =>
  Array.from({ length: layers * 3 }, (_, i) => ({
    layer: `layer${i % layers}.0.conv2  3x3/1 [56,56,64] -> 64`,
    series: ["forward", "gradInput", "gradWeight"][i % 3]!,
    flop: 1e9 * 2 ** (i % 5),
    bytes: 1e7 * 2 ** (i % 4),
    ms: 80 + 90 * (i % 7),
  }));

const GALLERY = {
  "40 epochs": () => training(history(40), 17),
  "1 epoch": () => training(history(1)),
  "200 epochs": () => training(history(200), 200),
  "no best epoch": () => training(history(3), null),
  "NaN and infinite values": () =>
    training(history(9, (e) => (e % 3 === 0 ? { valLoss: NaN, trainLoss: Infinity } : {}))),
  "nothing but NaN": () =>
    training(history(2, () => ({ trainLoss: NaN, valLoss: NaN, trainAccuracy: NaN, valAccuracy: NaN, lrHead: NaN }))),
  "no validation": () => training(history(5, () => ({ valLoss: null, valAccuracy: null }))),
  "constant curves": () =>
    training(history(6, () => ({ trainLoss: 0.7, valLoss: 0.7, valAccuracy: 1, trainAccuracy: 1 }))),
  "a loss that explodes": () => training(history(9, (e) => (e === 1 ? { trainLoss: 3e8 } : {}))),
  "a learning rate of 0": () => training(history(4, () => ({ lrHead: 0, lrBackbone: 0 }))),
  "a stage an epoch": () => training(history(30, (e) => ({ stage: `stage ${e} of thirty` }))),
  "two classes": () => evaluation(predictions(["fractured", "not fractured"], 200)),
  "two classes with temperature and threshold": () => decided(predictions(["fractured", "not fractured"], 200)),
  "several classes with a temperature": () => decided(predictions(["a", "b", "c"], 200)),
  "an absent class": () =>
    evaluation({ ...predictions(["fractured", "not fractured"], 50), labels: Array.from({ length: 50 }, () => 1) }),
  "a class never predicted": () => evaluation({ classes: ["a", "b"], labels: [0, 1], probabilities: [1, 0, 1, 0] }),
  "two images": () => evaluation({ classes: ["a", "b"], labels: [0, 1], probabilities: [1, 0, 0, 1] }),
  "names that need escaping": () => evaluation(predictions(["<b>&amp;", '"', "]]>"], 30)),
  "5 long names": () => evaluation(predictions(many(5), 100)),
  "20 long names": () => evaluation(predictions(many(20), 400)),
  "60 classes": () => evaluation(predictions(many(60), 600)),
  "a network under its roof": () => ({ roofline: roofline(layerPoints(23)) }),
  "one kernel above its roof, with long names": () => ({
    roofline: roofline(
      [{ layer: "a layer of a long name ".repeat(9), series: "forward", flop: 1e9, bytes: 1e9, ms: 20 }],
      "a product of a long name ".repeat(9),
    ),
  }),
  "large counts": () => ({
    matrix: confusionMatrixPlot(
      Array.from("abcdefghijkl"),
      Array.from({ length: 12 }, () => Array.from({ length: 12 }, () => 123_456)),
    ),
  }),
};

interface TextBox {
  content: string;
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** Where the upright and the vertical texts of a plot are (slanted ones are left out). */
function textBoxes(svg: string): TextBox[] {
  return [...svg.matchAll(/<text ([^>]*)>([^<]*)<\/text>/g)].flatMap(([, attributes = "", escaped = ""]) => {
    const get = (name: string) => new RegExp(`(?:^| )${name}="([^"]*)"`).exec(attributes)?.[1];
    const content = escaped
      .replaceAll("&lt;", "<")
      .replaceAll("&gt;", ">")
      .replaceAll("&quot;", '"')
      .replaceAll("&amp;", "&");
    const size = Number(get("font-size"));
    const width = textWidth(content, size, get("font-weight") === "bold" ? "bold" : "normal");
    const start = { start: 0, middle: width / 2, end: width }[get("text-anchor") ?? "start"] ?? 0;
    const [x, y] = [Number(get("x")), Number(get("y")) - size * 0.35];
    const angle = /rotate\((-?\d+)/.exec(get("transform") ?? "")?.[1] ?? "0";
    const half = size * 0.4;
    if (angle === "0") return [{ content, left: x - start, right: x - start + width, top: y - half, bottom: y + half }];
    if (Math.abs(Number(angle)) !== 90) return [];
    return [{ content, left: x - half, right: x + half, top: y - width / 2, bottom: y + width / 2 }];
  });
}

describe.each(Object.entries(GALLERY))("the plots for %s", (_, make) => {
  const plots = Object.entries(make());

  test("have no text over another or outside of the picture", () => {
    for (const [name, svg] of plots) {
      const [, width = NaN, height = NaN] = (/viewBox="0 0 (\S+) (\S+)"/.exec(svg) ?? []).map(Number);
      const boxes = textBoxes(svg);
      expect(boxes.length).toBeGreaterThan(3);
      boxes.forEach((a, i) => {
        expect(
          a.left >= 0 && a.right <= width && a.top >= 0 && a.bottom <= height,
          `${name}: "${a.content}" is cut`,
        ).toBe(true);
        for (const b of boxes.slice(i + 1)) {
          const apart = a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
          expect(apart, `${name}: "${a.content}" and "${b.content}" overlap`).toBe(true);
        }
      });
    }
  });

  test("have a number wherever one belongs, and render", () => {
    for (const [name, svg] of plots) {
      expect(svg.replaceAll(/>[^<]*</g, "><"), name).not.toMatch(/NaN|Infinity|undefined/);
      expect(renderPng(svg, 0.25).subarray(1, 4).toString(), name).toBe("PNG");
    }
  });
});

describe("training curves", () => {
  const points = (svg: string) => [...svg.matchAll(/points="([^"]*)"/g)].map(([, list = ""]) => list.split(" ").length);

  test("a missing value leaves a gap, not a line across it", () => {
    const rows = history(9, (e) => ({
      trainLoss: null,
      lrHead: null,
      lrBackbone: null,
      valAccuracy: null,
      trainAccuracy: null,
      valLoss: e === 4 ? NaN : 1 / e,
    }));
    expect(points(trainingCurvesPlot({ history: rows, bestEpoch: null }))).toEqual([3, 5]);
  });

  test("a panel without values is left out, but for the loss", () => {
    const empty = history(3, () => ({ trainLoss: null, valLoss: null, trainAccuracy: null, valAccuracy: null }));
    const svg = trainingCurvesPlot({ history: empty, bestEpoch: null });
    expect(svg).toContain("not measured");
    expect(svg).not.toContain("Accuracy");
    expect(svg).toContain("Learning rate");
  });
});

test("the confusion matrix writes counts and the share of their row", () => {
  const svg = confusionMatrixPlot(
    ["a", "b"],
    [
      [3, 1],
      [0, 0],
    ],
  );
  expect(textBoxes(svg).map(({ content }) => content)).toEqual(expect.arrayContaining(["3", "75.0%", "1", "25.0%"]));
  expect(svg).toContain("3 of 4 images right (75.0%)");
  // The class without images has neither.
  expect(svg.match(/url\(#absent\)/g)).toHaveLength(2);
});

test("a kernel's mark lies at its part of the roof over it, by bytes or by operations", () => {
  // Roofs: 11 GFLOP/s for one operation a byte, 23.4 for ten. Rates: 5.5 and 11.7.
  const svg = roofline([
    { layer: "few operations", series: "forward", flop: 1e9, bytes: 1e9, ms: 1000 / 5.5 },
    { layer: "many operations", series: "gradInput", flop: 10e9, bytes: 1e9, ms: 10_000 / 11.7 },
  ]);
  const [few, many_] = [...svg.matchAll(/<circle cx="([\d.]+)"/g)].slice(-2).map(([, x]) => Number(x));
  // Half of the axis, which begins behind the names.
  expect([few, many_]).toEqual([330 + 646 / 2, 330 + 646 / 2]);
});

test("of several classes the mean ROC curve is drawn too, with its area; of two there is one curve", () => {
  const three = drawPlots({ evaluation: { predictions: predictions(["a", "b", "c"], 60) } })["roc"]!;
  const area = computeMetrics(predictions(["a", "b", "c"], 60)).macro.rocAuc!.toFixed(3);
  expect(three).toContain(`AUC ${area}  mean of the 3 classes`);
  const two = drawPlots({ evaluation: { predictions: predictions(["a", "b"], 60) } })["roc"]!;
  expect(two).not.toContain("mean of the");
});

test("a plot's bytes are the same every time, and every file is written whole", async () => {
  const folder = mkdtempSync(join(tmpdir(), "fracture-plots-"));
  try {
    const given = predictions(["fractured", "not fractured"], 50);
    const inputs = {
      training: { history: history(4), bestEpoch: 2 },
      evaluation: { predictions: given, metrics: computeMetrics(given) },
    };
    const paths = await writePlots(join(folder, "results"), inputs);
    const tables = ["precision_recall", "reliability", "roc", "threshold_sweep"];
    const names = [...tables, "confusion_matrix", "probabilities", "training_curves"];
    expect(readdirSync(join(folder, "results")).sort()).toEqual(
      [...tables.map((name) => `${name}.csv`), ...names.map((name) => `${name}.png`)].sort(),
    );
    const first = paths.map((path) => readFileSync(path));
    await writePlots(join(folder, "results"), inputs);
    expect(paths.map((path) => readFileSync(path))).toEqual(first);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
