import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readWeights, safetensorsPieces, workingPreprocessing } from "@fracture/resnet";
import type { nn } from "@fracture/tensor";
import { describeDevice } from "@fracture/tensor/testing";
import { fitDecision } from "../evaluate/decision.ts";
import { decisionMetadata, modelMetadata, readModelFile, type ModelDescription } from "../model/modelFile.ts";
import { parseRecipe } from "../recipe/recipe.ts";
import { differingNames, formulaWeights } from "../testing/weights.ts";
import { checkOnnx, loadOnnxRuntime } from "./checkOnnx.ts";
import { ExportCheckError, ExportError } from "./errors.ts";
import { exportOnnx } from "./exportOnnx.ts";
import { exportSafetensors } from "./exportSafetensors.ts";
import { onnxMetadata } from "./onnxMetadata.ts";

const folder = mkdtempSync(join(tmpdir(), "fracture-export-"));
const model = join(folder, "model.safetensors");
const to = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

const description: ModelDescription = {
  architecture: "resnet18",
  classes: ["fractured", 'not "fractured", ärmer'],
  preprocessing: workingPreprocessing(32),
};
const decision = fitDecision([2, 0, 1, 0, 0, 1, 0, 2], [0, 1, 1, 1], description.classes, { kind: "youden" });

const runtime = await loadOnnxRuntime().catch(() => null);

describeDevice("export", (device) => {
  let weights: nn.StateDict;
  beforeAll(async () => {
    weights = await formulaWeights(device(), 2);
    const metadata = { ...modelMetadata(description, parseRecipe({ lr: 0.5 })), ...decisionMetadata(decision) };
    writeFileSync(model, Buffer.concat(safetensorsPieces(weights, { ...metadata, more: "kept" })));
  });
  const context = { openDevice: () => Promise.resolve(device()) };

  it.skipIf(runtime === null)("ONNX Runtime gives the model's logits and calibrated probabilities", async () => {
    const out = to("model.onnx");
    const exported = await exportOnnx({ model, to: out, probabilities: true, check: true }, context);
    expect(exported.bytes).toBe(readFileSync(out).length);
    const { logits, probabilities, largestLogit, runtime: name } = exported.check!;
    expect(logits).toBeLessThan(2e-5 * largestLogit);
    expect(probabilities).toBeLessThan(1e-6);
    expect(name).toMatch(/^onnxruntime-web 1\./);
  });

  it.skipIf(runtime === null)(
    "a file that computes something else is noticed, and so is one that is none",
    async () => {
      const file = await readModelFile(model);
      const other = new Map([
        ...weights,
        ["bn1.bias", { dtype: "f32", shape: [64], data: new Float32Array(64).fill(0.1) }],
      ]) as nn.StateDict;
      const { resnetOnnx } = await import("@fracture/resnet");
      const check = (pieces: readonly Uint8Array[]): Promise<unknown> =>
        checkOnnx({ runtime: runtime!, file, pieces, size: 32 }, context);
      await expect(check(resnetOnnx(other, { architecture: "resnet18", size: 32 }))).rejects.toThrow(
        /^ONNX Runtime computes something else than the model: logits differ by /,
      );
      const fixed = resnetOnnx(weights, { architecture: "resnet18", size: 32, batch: 2 });
      await expect(check(fixed)).rejects.toThrow(ExportCheckError);
      await expect(check([Uint8Array.of(1, 2, 3)])).rejects.toThrow(/^ONNX Runtime can't run the file \(/);
    },
  );

  it("the metadata says what has to be known to use it: classes, preprocessing, temperature, threshold", async () => {
    const file = await readModelFile(model);
    const { classes, preprocessing, temperature, threshold, notice } = onnxMetadata(file);
    expect(JSON.parse(classes!)).toEqual(description.classes);
    expect(JSON.parse(preprocessing!)).toEqual(description.preprocessing);
    expect(JSON.parse(temperature!)).toBe(decision.temperature);
    expect(JSON.parse(threshold!)).toEqual({ class: "fractured", probability: decision.threshold!.value });
    expect(notice).toBe("Research use, not a medical device.");
    expect(onnxMetadata({ ...file, decision: null })).toMatchObject({ temperature: "1", threshold: "null" });
    await exportOnnx({ model, to: to("small.onnx"), size: 16 }, context);
    const text = readFileSync(to("small.onnx")).toString();
    expect(text).toContain('"resize":16,"crop":16');
    expect(text).toContain(JSON.stringify(description.classes));
  });

  it("safetensors keep weights and all that the file said of itself, to the bit", async () => {
    const { check } = await exportSafetensors({ model, to: to("same.safetensors"), check: true }, context);
    expect(check!.logits).toBe(0);
    const { state, metadata } = await readWeights(to("same.safetensors"));
    expect(differingNames(state, weights)).toEqual([]);
    expect(metadata).toEqual((await readModelFile(model)).metadata);
    expect(metadata["more"]).toBe("kept");
    expect((await readModelFile(to("same.safetensors"))).decision).toEqual(decision);
  });

  it("half floats take half the space and move the logits by less than a hundredth", async () => {
    const { bytes, check } = await exportSafetensors(
      { model, to: to("half.safetensors"), floats: "f16", check: true },
      context,
    );
    expect(bytes / readFileSync(model).length).toBeCloseTo(0.5, 2);
    expect(check!.logits).toBeGreaterThan(0);
    expect(check!.logits).toBeLessThan(0.01 * check!.largestLogit);
  });

  it("a file that is there stays as it is unless it may be replaced, and an opset that isn't written is refused", async () => {
    writeFileSync(to("there.onnx"), "mine");
    const there = { model, to: to("there.onnx") };
    await expect(exportOnnx(there, context)).rejects.toThrow(`${there.to}: is there already; --force replaces it`);
    expect(readFileSync(there.to, "utf8")).toBe("mine");
    await exportOnnx({ ...there, force: true }, context);
    expect(readFileSync(there.to).length).toBeGreaterThan(1e6);
    await expect(exportOnnx({ model, to: to("old.onnx"), opset: 9 }, context)).rejects.toThrow(ExportError);
    expect(existsSync(to("old.onnx"))).toBe(false);
  });
});
