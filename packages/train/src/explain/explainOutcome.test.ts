import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { workingPreprocessing } from "@fracture/resnet";
import { describeDevice } from "@fracture/tensor/testing";
import { predictFiles, type Prediction } from "../api/predictFiles.ts";
import { outcomeOf, type SplitOutcome } from "../evaluate/report.ts";
import { onDevice, readModelFile, saveModel } from "../model/modelFile.ts";
import { parseRecipe } from "../recipe/recipe.ts";
import { CLASSES, writePictures } from "../testing/pictures.ts";
import { formulaWeights } from "../testing/weights.ts";
import { choosePictures } from "./choosePictures.ts";
import { FileNames, refuseAmongPictures } from "./explainFiles.ts";
import { explainOutcome } from "./explainOutcome.ts";
import { readExplanations } from "./explanations.ts";

const folder = mkdtempSync(join(tmpdir(), "fracture-explain-"));
const data = join(folder, "data");
const model = join(folder, "model.safetensors");
const preprocessing = workingPreprocessing(32);
const paths = CLASSES.flatMap((name) => [0, 1].map((i) => join(data, "test", name, `${i}.png`)));
afterAll(() => rmSync(folder, { recursive: true }));

/** Four pictures, of which the second is told wrong and the third is nearly. */
const outcome = (more: Partial<SplitOutcome> = {}): SplitOutcome => ({
  ...outcomeOf({
    split: "test",
    classes: CLASSES,
    paths,
    labels: [0, 0, 1, 1],
    logits: Float32Array.of(4, 0, 0, 2, 0, 0.1, 0, 3),
  }),
  ...more,
});

describe("the pictures that are explained", () => {
  const names = (...given: Parameters<typeof choosePictures>): string[] =>
    choosePictures(...given).map(({ kind, path }) => `${kind} ${paths.indexOf(path)}`);

  it("are the worst mistakes, the least certain and the surest, these in turn from each class", () => {
    expect(names(outcome())).toEqual([
      "mistake 1",
      "uncertain 2",
      "uncertain 1",
      "uncertain 3",
      "uncertain 0",
      "sure 0",
      "sure 3",
      "sure 2",
    ]);
    expect(names(outcome(), 1)).toEqual(["mistake 1", "uncertain 2", "sure 0"]);
  });

  it("are one of each group", () => {
    expect(names(outcome({ groups: ["a", "a", "b", "b"] }))).toEqual([
      "mistake 1",
      "uncertain 2",
      "uncertain 1",
      "sure 0",
      "sure 3",
    ]);
  });
});

describe("where explanations are written", () => {
  it("no name is given twice, whatever its case and its folder", () => {
    const names = new FileNames();
    expect(["a/x.png", "b/X.jpg", "c/x.png", "x"].map((path) => names.next(path))).toEqual([
      "x-gradcam.png",
      "X-gradcam-2.png",
      "x-gradcam-3.png",
      "x-gradcam-4.png",
    ]);
    expect(names.next(`${"long".repeat(60)}.png`).length).toBeLessThan(100);
  });

  it("nothing is written among pictures, whatever links lead there", async () => {
    await expect(refuseAmongPictures("in/", ["in/b.png", "in/a.png", "x/a.png"], [])).rejects.toThrow(
      "in/: holds in/b.png, and nothing is written among pictures: choose another folder",
    );
    await expect(refuseAmongPictures("in/below", [], ["./in"])).rejects.toThrow("in/below: lies in ./in, and nothing");
    await refuseAmongPictures("in-other", ["in/a.png"], ["in"]);
    const [held, link] = [join(folder, "held"), join(folder, "link")];
    mkdirSync(held);
    symlinkSync(held, link, "junction");
    const below = join(link, "maps");
    await expect(refuseAmongPictures(link, [join(held, "a.png")], [])).rejects.toThrow(`${link}: holds `);
    await expect(refuseAmongPictures(below, [], [held])).rejects.toThrow(`${below}: lies in ${held}`);
  });

  it("a file that is none of ours is refused, with the place", () => {
    const path = join(folder, "other.json");
    expect(readExplanations(path)).toBeNull();
    writeFileSync(path, '{"format": "fracture-explanations/1", "method": "Grad-CAM", "layer": "layer9"}');
    expect(() => readExplanations(path)).toThrow(`${path}: layer: `);
    writeFileSync(path, "{");
    expect(() => readExplanations(path)).toThrow(`${path}: is not JSON`);
  });
});

describeDevice("explanations of a split", (device) => {
  beforeAll(async () => {
    await writePictures(data, 32, { test: 2 });
    const weights = await formulaWeights(device(), 2);
    await saveModel(
      model,
      weights,
      { architecture: "resnet18", classes: [...CLASSES], preprocessing },
      parseRecipe({}),
    );
  });

  it("are a file that reads back and pictures in pairs, in place of those that were there; what is gone is left out", async () => {
    const { model: network } = onDevice(await readModelFile(model), device());
    const options = { device: device(), model: network, preprocessing };
    const [out, gone] = [join(folder, "results"), join(data, "gone.png")];
    const all = outcome({ paths: [...paths.slice(0, 3), gone] });
    const first = await explainOutcome(out, all, options);
    expect(readExplanations(join(out, "explanations.json"))).toEqual(first);
    expect(first).toMatchObject({ layer: "layer1", cells: { width: 8, height: 8 }, split: "test" });
    expect(first!.pictures.map(({ kind, path, overlay }) => [kind, path, overlay])).toEqual([
      ["mistake", paths[1], "explanations/mistake-1.png"],
      ["uncertain", paths[2], "explanations/uncertain-1.png"],
      ["uncertain", paths[1], "explanations/mistake-1.png"],
      ["uncertain", paths[0], "explanations/uncertain-2.png"],
      ["sure", paths[0], "explanations/uncertain-2.png"],
      ["sure", paths[2], "explanations/uncertain-1.png"],
    ]);
    const [mistake] = first!.pictures;
    expect(mistake).toMatchObject({ explains: CLASSES[1], seen: { left: 0, top: 0, width: 32, height: 32 } });
    const sizes = await Promise.all(
      [mistake!.overlay, mistake!.plain].map((name) => sharp(join(out, name)).metadata()),
    );
    for (const size of sizes) expect(size).toMatchObject({ width: 256, height: 256, channels: 3 });

    const shown = (): string[] => readdirSync(join(out, "explanations"));
    expect(shown()).toHaveLength(6);
    writeFileSync(join(out, "explanations", "sure-9.png"), "of a run before");
    writeFileSync(join(out, "explanations", "notes.txt"), "");
    expect(await explainOutcome(out, all, { ...options, most: 0 })).toBeNull();
    expect([shown(), existsSync(join(out, "explanations.json"))]).toEqual([["notes.txt"], false]);
    network.dispose();
  });

  it("predict explains every picture that it can read, with the logits that it has without", async () => {
    const context = { openDevice: async () => device() };
    const missing = join(data, "missing.png");
    const options = { model, paths: [paths[0]!, missing, ...paths.slice(1)], batchSize: 3 };
    const found: Prediction[] = [];
    const explain = { folder: join(folder, "maps") };
    for await (const one of predictFiles({ ...options, explain }, context)) if (!("error" in one)) found.push(one);
    const plain: Prediction[] = [];
    for await (const one of predictFiles(options, context)) if (!("error" in one)) plain.push(one);
    expect(found.map(({ explanation: _, ...rest }) => rest)).toEqual(plain);
    expect(found.map(({ explanation }) => explanation)).toMatchObject(
      ["0-gradcam.png", "1-gradcam.png", "0-gradcam-2.png", "1-gradcam-2.png"].map((name, i) => ({
        file: join(folder, "maps", name),
        class: plain[i]!.class,
        layer: "layer1",
        seen: { left: 0, top: 0, width: 32, height: 32 },
      })),
    );
    const { width, height } = await sharp(readFileSync(found[0]!.explanation!.file)).metadata();
    expect([width, height]).toEqual([384 + 6 + 384, 384]);
  });

  it("predict names a picture that is gone by the time its map is drawn among those that can't be read, and goes on", async () => {
    const copies = ["a", "b", "c"].map((name) => join(folder, `${name}.png`));
    for (const path of copies) copyFileSync(paths[0]!, path);
    const explain = { folder: join(folder, "maps of copies") };
    const found: string[] = [];
    const options = { model, paths: copies, batchSize: 1, explain };
    for await (const one of predictFiles(options, { openDevice: async () => device() })) {
      found.push("error" in one ? one.error : one.path);
      // It was predicted already: two batches are under way.
      rmSync(copies[1]!, { force: true });
    }
    expect(found).toEqual([copies[0], "there is no such file", copies[2]]);
  });

  it("predict refuses a folder of pictures, and mixed precision, before it computes", async () => {
    const openDevice = async (): Promise<never> => expect.unreachable();
    const first = (explain: string, precision: "f32" | "mixed" = "f32") =>
      predictFiles({ model, paths, precision, explain: { folder: explain } }, { openDevice }).next();
    await expect(first(join(data, "test", CLASSES[0]))).rejects.toThrow("nothing is written among pictures");
    await expect(first(join(folder, "maps"), "mixed")).rejects.toThrow("heat maps are computed in f32");
  });
});
