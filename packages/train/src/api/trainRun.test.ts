import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { describeDevice } from "@fracture/tensor/testing";
import { readHistory } from "../run/history.ts";
import { readCsv } from "../run/csv.ts";
import { InterruptedError } from "../loop/errors.ts";
import { RecipeError } from "../recipe/errors.ts";
import type { RecipeOptions } from "../recipe/recipe.ts";
import { CLASSES, writePictures } from "../testing/pictures.ts";
import { evaluateRun } from "./evaluateRun.ts";
import type { RunEvent } from "./events.ts";
import { UnreadablePicturesError } from "./pictures.ts";
import { predictFiles, type Prediction } from "./predictFiles.ts";
import { trainRun } from "./trainRun.ts";
import type { RunContext, TrainRunOptions } from "./types.ts";

const folder = mkdtempSync(join(tmpdir(), "fracture-train-"));
const data = join(folder, "data");
const out = join(folder, "run");
afterAll(() => rmSync(folder, { recursive: true }));

const recipe: RecipeOptions = {
  architecture: "resnet18",
  size: 32,
  batchSize: 8,
  stages: [
    { freeze: "all", epochs: 1, lr: 1e-2 },
    { freeze: "layer3", epochs: 2, lr: 1e-3 },
  ],
  classWeights: "balanced",
  seed: 3,
};

describeDevice("a run", (device) => {
  const events: RunEvent[] = [];
  const context: RunContext = { openDevice: async () => device(), onEvent: (event) => events.push(event) };
  const start = (given: Partial<TrainRunOptions> = {}) =>
    trainRun({ data, out, recipe, cacheFolder: null, ...given }, context);

  beforeAll(async () => {
    await writePictures(data, 32, { train: 5, val: 2, test: 3 });
    writeFileSync(join(data, "train", CLASSES[0], "9.png"), "<html>not found</html>");
  });

  it("leaves a folder with everything in it, and says what it did", async () => {
    const result = await start();
    expect(
      readdirSync(out)
        .filter((name) => !name.startsWith("events"))
        .sort(),
    ).toEqual(["best.safetensors", "config.json", "history.csv", "last.safetensors", "results", "steps.csv"]);
    expect(readdirSync(join(out, "results")).sort()).toEqual([
      "confusion_matrix.png",
      "data-check",
      "data-check.json",
      "environment.json",
      "explanations",
      "explanations.json",
      "metrics.json",
      "model-card.md",
      "precision_recall.csv",
      "precision_recall.png",
      "predictions.csv",
      "probabilities.png",
      "reliability.csv",
      "reliability.png",
      "report.html",
      "roc.csv",
      "roc.png",
      "threshold_sweep.csv",
      "threshold_sweep.png",
      "training_curves.png",
      "unreadable.csv",
      "val",
    ]);
    expect(readCsv(join(out, "results", "unreadable.csv"), ["split", "path", "reason"])).toEqual([
      {
        split: "train",
        path: join(data, "train", CLASSES[0], "9.png"),
        reason: "is an HTML page (a download that failed?)",
      },
    ]);
    expect(readHistory(join(out, "history.csv")).map(({ stage, lrBackbone }) => [stage, lrBackbone])).toEqual([
      ["head", null],
      ["from layer4", 1e-3],
      ["from layer4", 1e-3],
    ]);
    const steps = readCsv(join(out, "steps.csv"), ["epoch", "step", "loss", "lr"]);
    expect(steps.map(({ epoch, step, lr }) => [epoch, step, lr])).toEqual([
      ["1", "1", "0.01"],
      ["1", "2", "0.01"],
      ["2", "3", "0.001"],
      ["2", "4", "0.001"],
      ["3", "5", "0.001"],
      ["3", "6", "0.001"],
    ]);
    const metrics = JSON.parse(readFileSync(join(out, "results", "metrics.json"), "utf8"));
    expect(metrics).toMatchObject({ split: "test", samples: 6, epochs: 3, unreadable: { train: 1, val: 0, test: 0 } });
    expect(metrics.accuracy).toBe(result.metrics.test!.accuracy);
    expect(metrics.val.samples).toBe(4);
    const unreadable = events.find(({ kind }) => kind === "unreadable");
    expect(unreadable).toMatchObject({ split: "train", files: [{ reason: expect.stringContaining("HTML") }] });
    expect(JSON.parse(readFileSync(join(out, "config.json"), "utf8"))).toMatchObject({
      data,
      classes: CLASSES,
      architecture: "resnet18",
      recipe: { seed: 3, stepSize: 7, augmentation: { flip: 0.5 } },
      preprocessing: { resize: 32, crop: 32, channels: "grey" },
    });
  });

  it("is not begun in a folder that holds one", async () => {
    await expect(start()).rejects.toThrow(`${out}: already holds a run`);
  });

  it("evaluated from its folder and from its model file gives the figures of its results", async () => {
    const metrics = JSON.parse(readFileSync(join(out, "results", "metrics.json"), "utf8"));
    const evaluated = join(folder, "evaluated");
    // Left there by an evaluation of pictures that a CSV file said more of.
    mkdirSync(evaluated);
    const left = ["subgroups.json", "subgroups.csv", "environment.json"].map((name) => join(evaluated, name));
    for (const path of left) writeFileSync(path, readFileSync(join(out, "results", "environment.json")));
    const outcome = await evaluateRun({ model: out, data, out: evaluated, cacheFolder: null, batchSize: 4 }, context);
    expect(outcome.metrics.confusionMatrix).toEqual(metrics.confusionMatrix);
    expect(outcome.metrics.logLoss).toBeCloseTo(metrics.logLoss, 4);
    expect(existsSync(join(evaluated, "roc.png"))).toBe(true);
    expect(left.map((path) => existsSync(path))).toEqual([false, false, true]);
    expect(JSON.parse(readFileSync(left[2]!, "utf8"))).toHaveLength(1);
    const predictions = readCsv(join(evaluated, "predictions.csv"), ["path", "predicted", "prob_fractured"]);
    const paths = predictions.map(({ path }) => path);
    const streamed: Prediction[] = [];
    const model = join(out, "best.safetensors");
    for await (const prediction of predictFiles({ model, paths, batchSize: 4 }, context)) {
      if (!("error" in prediction)) streamed.push(prediction);
    }
    expect(streamed.map((prediction) => prediction.class)).toEqual(predictions.map(({ predicted }) => predicted));
    streamed.forEach(({ probabilities, logits }, i) => {
      expect(probabilities["fractured"]).toBeCloseTo(Number(predictions[i]!.prob_fractured), 4);
      expect(logits).toEqual([expect.any(Number), expect.any(Number)]);
    });
  });

  it("predicts folders and files in order, with the reason in the place of what can't be read", async () => {
    const paths = [join(data, "train", CLASSES[0]), join(folder, "missing.png")];
    const found: string[] = [];
    for await (const prediction of predictFiles({ model: out, paths, batchSize: 4 }, context))
      found.push("error" in prediction ? prediction.error : prediction.path);
    expect(found).toHaveLength(7);
    expect(found.slice(0, 5)).toEqual([0, 1, 2, 3, 4].map((i) => join(data, "train", CLASSES[0], `${i}.png`)));
    expect(found[5]).toContain("HTML");
    expect(found[6]).toContain("there is no such file");
  });

  it("stopped in the middle of an epoch and resumed leaves the same files as if it had not been", async () => {
    const abort = new AbortController();
    const stopped = join(folder, "stopped");
    const onEvent = (event: RunEvent): void => {
      if (event.kind === "step" && event.epoch === 2) abort.abort();
    };
    const run = { data, out: stopped, recipe, cacheFolder: null };
    const error: unknown = await trainRun(run, { ...context, signal: abort.signal, onEvent }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(InterruptedError);
    expect(error).toMatchObject({ saved: true });
    expect(existsSync(join(stopped, "results", "metrics.json"))).toBe(false);
    const wrong = trainRun({ ...run, mode: "resume", recipe: { ...recipe, seed: 4 } }, context);
    await expect(wrong).rejects.toThrow("seed: was 3, is now 4");
    await trainRun({ out: stopped, mode: "resume", recipe: {}, cacheFolder: null }, context);
    for (const file of ["best.safetensors", "steps.csv", "results/predictions.csv", "results/metrics.json"])
      expect(readFileSync(join(stopped, file)).equals(readFileSync(join(out, file))), file).toBe(true);
  });

  it("killed before its first checkpoint goes on from its beginning", async () => {
    const killed = join(folder, "killed");
    const head = { ...recipe, stages: [{ freeze: "all" as const, epochs: 2, lr: 1e-2 }], augmentation: null };
    await start({ out: killed, recipe: head });
    const [steps, best] = ["steps.csv", "best.safetensors"].map((file) => readFileSync(join(killed, file)));
    for (const file of ["best.safetensors", "last.safetensors"]) rmSync(join(killed, file));
    await start({ out: killed, mode: "resume", recipe: {} });
    expect(readFileSync(join(killed, "steps.csv")).equals(steps!)).toBe(true);
    expect(readFileSync(join(killed, "best.safetensors")).equals(best!)).toBe(true);
  });

  it("whose loss becomes infinite ends with the files' names, and keeps its last checkpoint", async () => {
    const diverged = join(folder, "diverged");
    const stages = [
      { freeze: "all" as const, epochs: 1, lr: 1e-3 },
      { freeze: "all" as const, epochs: 3, lr: 1e38 },
    ];
    const run = start({ out: diverged, recipe: { ...recipe, stages, augmentation: null } });
    await expect(run).rejects.toThrow(/the loss is (NaN|-?Infinity) in epoch \d, step \d \(files: .*\.png/);
    expect(existsSync(join(diverged, "last.safetensors"))).toBe(true);
  });

  it("refuses pictures of val and test that can't be read, unless they are allowed", async () => {
    const broken = join(data, "test", CLASSES[1], "broken.png");
    writeFileSync(broken, "");
    const unopened = { ...context, openDevice: () => Promise.reject(new Error("the device was opened")) };
    const evaluation = { model: out, data, cacheFolder: null };
    const error: unknown = await evaluateRun(evaluation, unopened).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UnreadablePicturesError);
    expect(String(error)).toContain(broken);
    const outcome = await evaluateRun({ ...evaluation, allowUnreadable: true, batchSize: 8 }, context);
    expect(outcome.metrics.samples).toBe(6);
    rmSync(broken);
  });

  it("is resumed only with the pictures that it was started with", async () => {
    const more = join(data, "train", CLASSES[1], "more.png");
    writeFileSync(more, readFileSync(join(data, "train", CLASSES[1], "0.png")));
    const error: unknown = await start({ mode: "resume" }).catch((reason: unknown) => reason);
    rmSync(more);
    expect(error).toBeInstanceOf(RecipeError);
    expect(String(error)).toContain("holds other files, classes or splits than when the run was started");
  });

  it("whose data has moved asks where it is now", async () => {
    const moved = join(folder, "moved");
    renameSync(data, moved);
    const asked: unknown = await start({ mode: "resume", data: undefined as never }).catch((reason: unknown) => reason);
    renameSync(moved, data);
    expect(String(asked)).toContain(`data: ${data} is there no longer; name the folder where its pictures are now`);
  });

  it("is resumed only with the configuration that it was started with", async () => {
    const path = join(out, "config.json");
    const text = readFileSync(path, "utf8");
    writeFileSync(path, text.replace('"seed": 3', '"seed": 4'));
    const error: unknown = await start({ mode: "resume", recipe: {} }).catch((reason: unknown) => reason);
    writeFileSync(path, text);
    expect(String(error)).toContain(`${path}: was changed since the run was started`);
  });

  it("is not made in the data folder, nor in one that pictures of a CSV file lie in", async () => {
    const before = readdirSync(data);
    const unopened = { ...context, openDevice: () => Promise.reject(new Error("the device was opened")) };
    const into = (place: string) => trainRun({ data, out: place, recipe, cacheFolder: null }, unopened);
    for (const place of [data, join(data, "runs"), join(data, "train"), join(data, "train", "run")])
      await expect(into(place)).rejects.toThrow(`${place}: lies in the data folder ${data}, where nothing is written`);
    const classes = { data: join(data, "train"), out: join(data, "train", "runs"), recipe, cacheFolder: null };
    await expect(trainRun(classes, unopened)).rejects.toThrow("lies in the data folder");
    const rows = CLASSES.flatMap((name) => [0, 1].map((i) => `data/train/${name}/${i}.png,${name},train`));
    const listed = join(folder, "list.csv");
    writeFileSync(listed, ["path,label,split", ...rows, ""].join("\n"));
    const beside = join(data, "train", CLASSES[0], "runs");
    const run = { data: listed, recipe, cacheFolder: null };
    await expect(trainRun({ ...run, out: beside }, unopened)).rejects.toThrow(
      `${beside}: lies in the data folder ${join(data, "train", CLASSES[0])}, where nothing is written`,
    );
    await expect(trainRun({ ...run, out: join(folder, "listed") }, unopened)).rejects.toThrow("the device was opened");
    expect(readdirSync(data)).toEqual(before);
  });

  it("with one small picture left for the last batch is refused before the device is opened", async () => {
    const unopened = { ...context, openDevice: () => Promise.reject(new Error("the device was opened")) };
    const nine = { ...recipe, batchSize: 9 };
    await expect(
      trainRun({ data, out: join(folder, "lone"), recipe: nine, cacheFolder: null }, unopened),
    ).rejects.toThrow(/batchSize: 10 pictures, 9 at a time, leave one/);
    expect(existsSync(join(folder, "lone"))).toBe(false);
  });

  it("leaves no device memory behind", () => {
    expect(device().counts.live).toBe(0);
  });
});
