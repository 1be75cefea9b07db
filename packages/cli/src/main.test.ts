import { describeDevice } from "@fracture/tensor/testing";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { runCaptured } from "./testing/captured.ts";
import { Child } from "./testing/child.ts";
import { ok } from "./testing/ok.ts";
import { temporaryFolder } from "./testing/temporaryFolder.ts";

const SMALL = ["--arch", "resnet18", "--size", "32", "--batch-size", "4"];

describe("the process", () => {
  it("ends with the exit code of the command", async () => {
    using wrong = new Child(["docter"]);
    expect(await wrong.ended).toMatchObject({ exitCode: 2, stdout: "" });
    using right = new Child(["--version"]);
    expect(await right.ended).toMatchObject({ exitCode: 0, stderr: "" });
  });

  it.skipIf(process.platform !== "linux")("says that its output can't be written, and ends with 1", () => {
    const main = join(import.meta.dirname, "..", "dist", "main.js");
    const { status, stderr } = spawnSync("sh", ["-c", '"$0" "$1" --version >/dev/full', process.execPath, main], {
      encoding: "utf8",
    });
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: "fracture: the output can't be written (ENOSPC: no space left on device, write)\n",
    });
  });

  it.skipIf(process.platform !== "linux")("without an adapter ends with 1 and says what to install", async () => {
    const none = { VK_DRIVER_FILES: "/nonexistent.json", VK_ICD_FILENAMES: "/nonexistent.json" };
    using child = new Child(["doctor"], none);
    const { exitCode, stdout, stderr } = await child.ended;
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(stderr).toMatch(/^fracture: no usable WebGPU adapter\. Install a Vulkan driver for your GPU/m);
  });
});

describeDevice("from pictures to predictions", () => {
  const cache = temporaryFolder();
  beforeAll(() => void vi.stubEnv("FRACTURE_CACHE", cache.path)); // decoded pictures of a test are nobody's
  afterAll(() => {
    vi.unstubAllEnvs();
    cache[Symbol.dispose]();
  });

  it("phantom, train, eval and predict agree with each other", { timeout: 300_000 }, async () => {
    using folder = temporaryFolder();
    const [data, out] = [join(folder.path, "data"), join(folder.path, "run")];
    await ok("data", "phantom", data, "--train", "4", "--val", "2", "--test", "2", "--size", "32");
    const small = [...SMALL, "--epochs", "1", "--threshold", "youden"];
    const trained = JSON.parse(await ok("train", "--data", data, "--out", out, ...small, "--json"));
    expect(trained).toMatchObject({ folder: out, epochs: 1, bestEpoch: 1, metrics: { test: { samples: 2 } } });
    const written = JSON.parse(readFileSync(join(out, "results", "metrics.json"), "utf8"));
    const evaluated = JSON.parse(await ok("eval", out, "--data", data, "--json"));
    expect(evaluated).toMatchObject({ split: "test", accuracy: written.accuracy, logLoss: written.logLoss });

    const pictures = join(data, "test");
    const json = JSON.parse(await ok("predict", out, pictures, "--json", "--logits"));
    expect(json).toHaveLength(2);
    const { temperature, threshold } = written.decision;
    for (const { path, class: found, probabilities, threshold: used, logits } of json) {
      const [fractured, whole] = [probabilities["fractured"], probabilities["not fractured"]];
      expect(path.startsWith(pictures)).toBe(true);
      expect(fractured + whole).toBeCloseTo(1, 6);
      expect(used).toEqual({ class: "fractured", value: threshold.value });
      expect(found).toBe(fractured >= threshold.value ? "fractured" : "not fractured");
      expect(Math.log(fractured / whole)).toBeCloseTo((logits[0] - logits[1]) / temperature, 4);
    }
    expect(await ok("predict", out, `${pictures}/*/*.png`, "--csv")).toBe(
      [
        "path,class,prob_fractured,prob_not fractured,threshold",
        ...json.map((p: { path: string; class: string; probabilities: Record<string, number> }) =>
          [p.path, p.class, ...Object.values(p.probabilities), threshold.value].join(","),
        ),
        "",
      ].join("\n"),
    );

    const table = await runCaptured(["predict", out, pictures, join(folder.path, "missing.png")]);
    expect(table.exitCode).toBe(2);
    expect(table.stderr).toContain(`fracture: ${join(folder.path, "missing.png")}: `);
    expect(table.stdout).toMatch(/^picture +class +probability\n/);
    expect(table.stdout.trim().split("\n").at(-1)).toBe("Research use, not a medical device.");

    const maps = join(folder.path, "maps");
    const explained = JSON.parse(await ok("predict", out, pictures, "--explain", maps, "--json"));
    const files: string[] = explained.map((p: { explanation: { file: string } }) => p.explanation.file);
    expect(readdirSync(maps).map((name) => join(maps, name))).toEqual(files.toSorted());
    const lines = (await ok("predict", out, pictures, "--explain", maps, "--csv")).trim().split("\n");
    expect(lines.map((line) => line.split(",").at(-1))).toEqual(["explanation", ...files]);
    const shown = await ok("predict", out, pictures, "--explain", maps);
    expect(shown).toMatch(/^picture +class +probability +heat map\n/);
    expect(shown.trim().split("\n").at(-1)).toBe("Research use, not a medical device.");
    const pointing = JSON.parse(await ok("bench", "explain", out, data, "--json"));
    expect(pointing).toMatchObject({ pictures: 1, layer: "layer1", cells: { width: 8, height: 8 }, points: [{}] });
    expect(await ok("bench", "explain", out, data, "--layer", "layer3", "--tolerance", "3")).toMatch(
      /^Pointing game on 1 picture: Grad-CAM of layer3, 2 x 2 cells, 3\.0 pixels around the true place count\./,
    );

    const again = await runCaptured(["train", "--data", data, "--out", out, ...SMALL]);
    expect(again).toMatchObject({ exitCode: 2, stdout: "" });
    expect(again.stderr).toContain(`fracture: ${out}: already holds a run`);
  });

  it("--precision mixed trains, evaluates and predicts; a run says its loss scale", { timeout: 600_000 }, async () => {
    using folder = temporaryFolder();
    const [data, out] = [join(folder.path, "data"), join(folder.path, "run")];
    const mixed = ["--precision", "mixed"];
    await ok("data", "phantom", data, "--train", "8", "--val", "2", "--test", "2", "--size", "32");
    await ok("train", "--data", data, "--out", out, ...SMALL, ...mixed, "--epochs", "1", "--freeze", "none");
    expect(JSON.parse(readFileSync(join(out, "config.json"), "utf8")).recipe.precision).toBe("mixed");
    expect(readFileSync(join(out, "steps.csv"), "utf8")).toMatch(
      /^epoch,step,loss,lr,loss_scale,skipped\n1,1,[\d.]+,0.001,65536,[01]\n/,
    );
    const evaluated = async (...more: string[]) => JSON.parse(await ok("eval", out, "--data", data, "--json", ...more));
    const [whole, half] = [await evaluated(), await evaluated(...mixed)];
    expect(half.logLoss).not.toBe(whole.logLoss);
    expect(half.logLoss).toBeCloseTo(whole.logLoss, 1);
    const predicted = async (...more: string[]) =>
      JSON.parse(await ok("predict", out, join(data, "test"), "--json", ...more));
    const [exact, rounded] = [await predicted(), await predicted(...mixed)];
    expect(rounded).not.toEqual(exact);
    for (const [i, { probabilities }] of rounded.entries())
      expect(probabilities.fractured).toBeCloseTo(exact[i].probabilities.fractured, 1);
    const refused = await runCaptured(["predict", out, join(data, "test"), "--precision", "f16"]);
    expect(refused.exitCode).toBe(2);
  });

  it("Ctrl-C saves and ends with 130, and --resume goes on from there", { timeout: 300_000 }, async () => {
    using folder = temporaryFolder();
    const [data, out] = [join(folder.path, "data"), join(folder.path, "run")];
    await runCaptured(["data", "phantom", data, "--train", "4", "--val", "2", "--test", "0", "--size", "32"]);
    const epochs = async (): Promise<number> =>
      (await readFile(join(out, "history.csv"), "utf8")).trim().split("\n").length - 1;

    const many = [...SMALL, "--epochs", "1000", "--patience", "none"];
    using first = new Child(["train", "--data", data, "--out", out, ...many]);
    await first.said(/^epoch +1\/1000 /m);
    first.signal("SIGINT");
    const stopped = await first.ended;
    expect(stopped.exitCode, stopped.stderr).toBe(130);
    expect(stopped.stderr).toContain(`fracture: stopped; to go on: fracture train --out ${out} --resume\n`);
    const done = await epochs();

    using second = new Child(["train", "--out", out, "--resume"]);
    await second.said(new RegExp(`^epoch +${done + 1}\\b`, "m"));
    second.signal("SIGINT");
    expect((await second.ended).exitCode).toBe(130);
    expect(await epochs()).toBeGreaterThan(done);

    const refused = await runCaptured(["train", "--out", out, "--resume", "--lr", "0.5"]);
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain("\n  --lr: was 0.001, is now 0.5\n");
  });

  it("the second Ctrl-C ends it at once, with 130", async () => {
    using child = new Child(["bench", "gemm", "--sizes", "256", "--repeat", "1000000"]);
    await child.said(/computing on the CPU|product 1/);
    child.signal("SIGINT");
    child.signal("SIGINT");
    expect((await child.ended).exitCode).toBe(130);
  });
});
