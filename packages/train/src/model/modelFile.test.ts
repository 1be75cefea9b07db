import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { IMAGENET_PREPROCESSING, readWeights, safetensorsPieces, workingPreprocessing } from "@fracture/resnet";
import { nn } from "@fracture/tensor";
import { describeDevice } from "@fracture/tensor/testing";
import { fitDecision } from "../evaluate/decision.ts";
import { parseRecipe } from "../recipe/recipe.ts";
import { differingNames, formulaWeights } from "../testing/weights.ts";
import { ModelFileError } from "./errors.ts";
import { createModel, readInitialWeights } from "./initialModel.ts";
import {
  decisionMetadata,
  loadModel,
  modelMetadata,
  readModelFile,
  saveModel,
  type ModelDescription,
} from "./modelFile.ts";

const folder = mkdtempSync(join(tmpdir(), "fracture-model-"));
const ours = join(folder, "ours.safetensors");
const published = join(folder, "published.safetensors");
afterAll(() => rmSync(folder, { recursive: true }));

const description: ModelDescription = {
  architecture: "resnet18",
  classes: ["fractured", "not fractured"],
  preprocessing: workingPreprocessing(96),
};

const decision = fitDecision([2, 0, 1, 0, 0, 1, 0, 2], [0, 1, 1, 1], description.classes, { kind: "youden" });

describeDevice("model files", (device) => {
  let two: nn.StateDict;
  beforeAll(async () => {
    two = await formulaWeights(device(), 2);
    await saveModel(ours, two, description, parseRecipe({ lr: 0.5 }));
    writeFileSync(published, Buffer.concat(safetensorsPieces(await formulaWeights(device(), 5))));
  });
  const write = (metadata: Record<string, string>): string => {
    const path = join(folder, "other.safetensors");
    writeFileSync(path, Buffer.concat(safetensorsPieces(two, metadata)));
    return path;
  };

  it("what is saved is loaded: weights, classes, preprocessing, recipe; the same content gives the same bytes", async () => {
    const { model, path, ...read } = await loadModel(ours, device());
    expect({ path, ...read }).toEqual({ path: ours, ...description });
    expect(differingNames(await model.stateDict(), two)).toEqual([]);
    expect(model.conv1.training).toBe(false);
    model.dispose();
    expect((await readModelFile(ours)).recipe!.lr).toBe(0.5);
    const again = join(folder, "again.safetensors");
    await saveModel(again, two, description, parseRecipe({ lr: 0.5 }));
    expect(readFileSync(again).equals(readFileSync(ours))).toBe(true);
  });

  it("published weights tell architecture and classes by their shapes, and are used as they were published", async () => {
    expect(await readModelFile(published)).toMatchObject({
      architecture: "resnet18",
      classes: ["0", "1", "2", "3", "4"],
      preprocessing: IMAGENET_PREPROCESSING.V1,
      recipe: null,
    });
  });

  it("a run folder stands for its best weights, once there are some", async () => {
    const run = join(folder, "run");
    mkdirSync(run);
    await expect(readModelFile(run)).rejects.toThrow(`${run}: is a folder, but not that of a run (no config.json)`);
    writeFileSync(join(run, "config.json"), "{}");
    await expect(readModelFile(run)).rejects.toThrow("the run has no best.safetensors yet");
    writeFileSync(join(run, "best.safetensors"), readFileSync(ours));
    expect((await readModelFile(run)).classes).toEqual(description.classes);
    await expect(readModelFile(join(folder, "nothing"))).rejects.toThrow(ModelFileError);
  });

  it("temperature and threshold are read as they were written; a file without them has none", async () => {
    const metadata = modelMetadata(description, null);
    expect((await readModelFile(write({ ...metadata, ...decisionMetadata(decision) }))).decision).toEqual(decision);
    expect((await readModelFile(write(metadata))).decision).toBeNull();
  });

  it("metadata that is damaged or contradicts the tensors is refused, with what is wrong", async () => {
    const metadata = modelMetadata(description, null);
    await expect(readModelFile(write({ ...metadata, classes: '["a","b","c"]' }))).rejects.toThrow(
      "says that it is a resnet18 with 3 classes, but its tensors are a resnet18 with 2",
    );
    await expect(readModelFile(write({ ...metadata, preprocessing: "{}" }))).rejects.toThrow(
      /other\.safetensors: its metadata is damaged \(.*preprocessing\.resize/,
    );
    await expect(readModelFile(write({ ...metadata, classes: "fractured" }))).rejects.toThrow(ModelFileError);
    const broken = decisionMetadata({ ...decision, threshold: { ...decision.threshold!, positiveClass: "broken" } });
    await expect(readModelFile(write({ ...metadata, ...broken }))).rejects.toThrow(
      'its metadata is damaged (RangeError: it has a threshold for "broken", which is none of two classes)',
    );
    await expect(readModelFile(write({ ...metadata, decision: '{"temperature":0}' }))).rejects.toThrow(ModelFileError);
  });

  it("a head of another size is announced and drawn from the seed; everything else comes from the file", async () => {
    const initial = await readInitialWeights(published, null);
    const start = async (seed: number): Promise<nn.StateDict> => {
      const { model, newHead } = await createModel(device(), initial, { classes: 2, seed });
      expect(newHead).toEqual({ classesInFile: 5, classes: 2 });
      const state = await model.stateDict();
      model.dispose();
      return state;
    };
    const [first, same, other] = [await start(1), await start(1), await start(2)];
    expect(differingNames(same, first)).toEqual([]);
    expect(differingNames(other, first)).toEqual(["fc.weight", "fc.bias"]);
    expect(differingNames(first, (await readWeights(published)).state)).toEqual(["fc.weight", "fc.bias"]);
    const bound = 1 / Math.sqrt(512);
    expect(first.get("fc.weight")!.data.every((value) => Math.abs(Number(value)) <= bound)).toBe(true);
  });

  it("weights of another architecture, or that don't fit, are refused and leave no memory behind", async () => {
    const before = device().counts.live;
    await expect(readInitialWeights(published, "resnet50")).rejects.toThrow(
      "holds a resnet18, and a resnet50 is wanted",
    );
    const weights = new Map([...two].filter(([name]) => name !== "layer2.0.bn1.weight"));
    const start = createModel(device(), { architecture: "resnet18", weights }, { classes: 2, seed: 0 });
    await expect(start).rejects.toThrow(nn.StateDictError);
    expect(device().counts.live).toBe(before);
  });
});
