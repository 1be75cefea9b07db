import { mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { describeDevice } from "@fracture/tensor/testing";
import { runCaptured } from "./testing/captured.ts";
import { ok } from "./testing/ok.ts";
import { temporaryFolder } from "./testing/temporaryFolder.ts";

const CLASSES = ["-broken, displaced", 'not "broken" <b>', "übrige 骨折"] as const;
const SPLITS = { train: 8, val: 4, test: 6 } as const;

const json = async (...argv: string[]) => JSON.parse(await ok(...argv, "--json"));

/** Phantoms of two classes, of which every other fractured one makes a third: what a network learns of it is of no interest. */
async function writeThreeClasses(data: string): Promise<void> {
  const counts = Object.entries(SPLITS).flatMap(([split, count]) => [`--${split}`, String(count)]);
  await ok("data", "phantom", data, ...counts, "--size", "32");
  for (const split of Object.keys(SPLITS)) {
    for (const name of CLASSES) mkdirSync(join(data, split, name));
    for (const [from, names] of [
      ["fractured", [CLASSES[0], CLASSES[2]]],
      ["not fractured", [CLASSES[1]]],
    ] as const)
      readdirSync(join(data, split, from)).forEach((file, i) =>
        renameSync(join(data, split, from, file), join(data, split, names[i % names.length]!, file)),
      );
    for (const name of ["fractured", "not fractured"]) rmdirSync(join(data, split, name));
  }
}

describeDevice("three classes with awkward names", () => {
  const cache = temporaryFolder();
  beforeAll(() => void vi.stubEnv("FRACTURE_CACHE", cache.path));
  afterAll(() => {
    vi.unstubAllEnvs();
    cache[Symbol.dispose]();
  });

  it("go through every command, from the check of the data to the exported model", { timeout: 300_000 }, async () => {
    using folder = temporaryFolder();
    const [data, out] = [join(folder.path, "data"), join(folder.path, "run")];
    await writeThreeClasses(data);

    expect((await json("data", "check", data)).classes).toEqual(CLASSES);
    const table = join(folder.path, "split.csv");
    await ok("data", "split", data, "--out", table);
    expect(readFileSync(table, "utf8")).toContain('"-broken, displaced"');

    const small = ["--arch", "resnet18", "--size", "32", "--batch-size", "4", "--epochs", "1"];
    const trained = await json("train", "--data", table, "--out", out, ...small, "--class-weights", "balanced");
    expect(trained.metrics.test.classes).toEqual(CLASSES);
    const written = JSON.parse(readFileSync(join(out, "results", "metrics.json"), "utf8"));
    expect(written).toMatchObject({ positiveClass: null, decision: { threshold: null } });
    expect(written.perClass.map((row: { class: string }) => row.class)).toEqual(CLASSES);
    expect(written.f1).toBe(written.macro.f1);
    expect(written.weighted.recall).toBeCloseTo(written.accuracy, 12); // by pictures, the mean recall is the accuracy

    const again = join(folder.path, "again");
    const shown = await ok("eval", out, "--data", table, "--out", again);
    for (const name of CLASSES) expect(shown).toContain(`\n${name} `);
    expect(shown).toContain("\nmean by pictures ");
    expect(await json("compare", out, again)).toMatchObject({ positiveClass: null, accuracy: { difference: 0 } });

    const [predicted] = await json("predict", out, join(data, "test", CLASSES[0]), "--logits");
    expect(Object.keys(predicted.probabilities)).toEqual(CLASSES);
    const weights = predicted.logits.map((logit: number) => Math.exp(logit / written.decision.temperature));
    const total = weights.reduce((a: number, b: number) => a + b);
    CLASSES.forEach((name, c) => expect(predicted.probabilities[name]).toBeCloseTo(weights[c] / total, 5));

    const copy = join(folder.path, "copy.safetensors");
    await ok("weights", "convert", join(out, "best.safetensors"), copy);
    const { metadata } = await json("weights", "show", copy);
    expect(JSON.parse(metadata.decision)).toEqual(written.decision);

    const onnx = join(folder.path, "model.onnx");
    const exported = await json("export", out, "--to", onnx, "--probabilities");
    expect(exported).toMatchObject({ format: "onnx", path: onnx, classes: CLASSES, check: null });
    expect(readFileSync(onnx).includes(JSON.stringify(CLASSES))).toBe(true);
  });

  it("one class is refused before a device is opened, with what was expected", async () => {
    using folder = temporaryFolder();
    const data = join(folder.path, "data");
    await ok("data", "phantom", data, "--train", "2", "--val", "0", "--test", "0", "--size", "32");
    const one = join(folder.path, "one");
    mkdirSync(one);
    renameSync(join(data, "train", "fractured"), join(one, "fractured"));
    for (const argv of [
      ["train", "--data", one, "--out", join(folder.path, "run")],
      ["data", "check", one],
    ]) {
      const { exitCode, stdout, stderr } = await runCaptured(argv);
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
      expect(stderr).toContain(
        `${one}: there is only one class, "fractured", and at least two are needed\nexpected:\n`,
      );
    }
  });
});
