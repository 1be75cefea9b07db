import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readHistory, type HistoryRow } from "./history.ts";
import { checkRunFolder, readRunConfig, RunFolder, RunFolderError, runPaths } from "./runFolder.ts";

let parent = "";
let folder = "";
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "fracture-run-"));
  folder = join(parent, "runs", "first");
});
afterEach(() => rmSync(parent, { recursive: true }));

const row = (epoch: number): HistoryRow => ({
  epoch,
  stage: "head, frozen",
  trainLoss: 0.1 + 0.2,
  trainAccuracy: 0.5,
  valLoss: NaN,
  valAccuracy: null,
  lrBackbone: null,
  lrHead: 1e-3,
  seconds: 12.5,
  imagesPerSecond: 100,
});

async function makeRun(epochs: number, stepsPerEpoch: number): Promise<void> {
  using run = await RunFolder.open(folder, { mode: "new", config: { seed: 7, data: "x" } });
  for (let epoch = 1, step = 1; epoch <= epochs; epoch++) {
    for (let i = 0; i < stepsPerEpoch; i++, step++) run.appendStep({ epoch, step, loss: 1 / step, lr: 1e-3 });
    run.appendEpoch(row(epoch));
  }
}

const steps = () => readFileSync(runPaths(folder).steps, "utf8").split("\n").slice(1, -1);

/** The error's fault and exit code, or nothing. */
async function faultOf(promise: Promise<unknown>): Promise<unknown> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  return error instanceof RunFolderError ? [error.fault, error.exitCode] : error;
}

describe("a run folder", () => {
  test("is made with its parents, and holds config.json, history.csv, steps.csv and results/", async () => {
    await makeRun(1, 2);
    expect(readdirSync(folder).sort()).toEqual(["config.json", "history.csv", "results", "steps.csv"]);
    expect(steps()).toEqual(["1,1,1,0.001", "1,2,0.5,0.001"]);
    expect(readHistory(runPaths(folder).history)).toEqual([row(1)]);
    expect(await readRunConfig(folder)).toEqual({ seed: 7, data: "x" });
  });

  test("of mixed precision has the loss scale and the skipped steps in columns of their own", async () => {
    {
      using run = await RunFolder.open(folder, { mode: "new", config: {}, scaled: true });
      run.appendStep({ epoch: 1, step: 1, loss: 0.5, lr: 1e-3, lossScale: 65_536, skipped: true });
      run.appendStep({ epoch: 1, step: 2, loss: 0.5, lr: 1e-3, lossScale: 32_768, skipped: false });
      run.appendEpoch({ ...row(1), lossScale: 32_768, skippedSteps: 1 });
    }
    const { history, steps: path } = runPaths(folder);
    expect(readFileSync(path, "utf8")).toBe(
      "epoch,step,loss,lr,loss_scale,skipped\n1,1,0.5,0.001,65536,1\n1,2,0.5,0.001,32768,0\n",
    );
    expect(readFileSync(history, "utf8")).toMatch(/images_per_second,loss_scale,skipped_steps\n.*,32768,1\n$/);
    expect(readHistory(history)).toEqual([row(1)]);
    using resumed = await RunFolder.open(folder, { mode: "resume", position: { epochs: 0, steps: 1 }, scaled: true });
    expect(readFileSync(resumed.paths.steps, "utf8")).toBe(
      "epoch,step,loss,lr,loss_scale,skipped\n1,1,0.5,0.001,65536,1\n",
    );
  });

  test("may be made in a folder that holds other things", async () => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "notes.txt"), "mine");
    await makeRun(1, 1);
    expect(readFileSync(join(folder, "notes.txt"), "utf8")).toBe("mine");
  });

  test("that holds a run is refused, and stays as it was", async () => {
    await makeRun(1, 1);
    const open = () => RunFolder.open(folder, { mode: "new", config: {} });
    await expect(open()).rejects.toThrow(
      `${folder}: already holds a run (config.json, history.csv, steps.csv); resume it (--resume), replace it (--overwrite), or choose another folder`,
    );
    expect(await faultOf(open())).toEqual(["exists", 2]);
    expect(steps()).toHaveLength(1);
    expect(await readRunConfig(folder)).toEqual({ seed: 7, data: "x" });
  });

  test("that is a file is refused", async () => {
    mkdirSync(join(parent, "runs"));
    writeFileSync(folder, "");
    expect(await faultOf(RunFolder.open(folder, { mode: "new", config: {} }))).toEqual(["notAFolder", 2]);
  });

  test("that can't be made, below a file, is refused before anything is done", async () => {
    mkdirSync(join(parent, "runs"));
    writeFileSync(folder, "");
    const below = join(folder, "a", "b");
    await expect(checkRunFolder(below, "new")).rejects.toThrow(`${below}: can't be made: ${folder} is a file`);
  });

  // The superuser writes everywhere.
  test.skipIf(process.getuid?.() === 0)("that takes no new files is refused before anything is done", async () => {
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o555);
    expect(await faultOf(checkRunFolder(folder, "new"))).toEqual(["notWritable", 2]);
  });

  test("resumes after the checkpoint's position, without the lines that came later", async () => {
    await makeRun(3, 2);
    writeFileSync(join(folder, ".last.safetensors.9-9.tmp"), "half a checkpoint");
    {
      using run = await RunFolder.open(folder, {
        mode: "resume",
        position: { epochs: 1, steps: 3 },
      });
      run.appendStep({ epoch: 2, step: 4, loss: 9, lr: 1e-3 });
    }
    expect(steps().map((line) => line.split(",")[1])).toEqual(["1", "2", "3", "4"]);
    expect(steps().at(-1)).toBe("2,4,9,0.001");
    expect(readHistory(runPaths(folder).history)).toEqual([row(1)]);
    expect(readdirSync(folder)).not.toContain(".last.safetensors.9-9.tmp");
    expect(await readRunConfig(folder)).toEqual({ seed: 7, data: "x" });
  });

  test("without a run can't be resumed", async () => {
    const position = { epochs: 0, steps: 0 };
    expect(await faultOf(RunFolder.open(folder, { mode: "resume", position }))).toEqual(["missing", 2]);
    expect(existsSync(folder)).toBe(false);
  });

  test("is overwritten on request: the run goes, the user's own files stay", async () => {
    await makeRun(3, 2);
    const own = ["best.safetensors", "last.safetensors", "events.out.tfevents.1.host.2"];
    for (const name of [...own, "notes.txt"]) writeFileSync(join(folder, name), "old");
    writeFileSync(runPaths(folder).metrics, "{}");
    (await RunFolder.open(folder, { mode: "overwrite", config: { seed: 8 } })).close();
    expect(readdirSync(folder).sort()).toEqual(["config.json", "history.csv", "notes.txt", "results", "steps.csv"]);
    expect(readdirSync(runPaths(folder).results)).toEqual([]);
    expect(steps()).toEqual([]);
    expect(await readRunConfig(folder)).toEqual({ seed: 8 });
  });

  test("of another program is never overwritten", async () => {
    mkdirSync(join(folder, "results"), { recursive: true });
    writeFileSync(runPaths(folder).config, '{"name":"my website"}');
    writeFileSync(join(folder, "results", "thesis.txt"), "years");
    expect(await faultOf(RunFolder.open(folder, { mode: "overwrite", config: {} }))).toEqual(["foreign", 2]);
    expect(existsSync(join(folder, "results", "thesis.txt"))).toBe(true);
  });

  test("with a broken config.json is refused, naming it", async () => {
    await makeRun(1, 1);
    writeFileSync(runPaths(folder).config, "{");
    expect(await faultOf(readRunConfig(folder))).toEqual(["invalid", 2]);
    await expect(readRunConfig(folder)).rejects.toThrow(`${runPaths(folder).config}: is not JSON`);
  });
});
