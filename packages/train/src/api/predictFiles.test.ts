import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { safetensorsPieces, workingPreprocessing } from "@fracture/resnet";
import { describeDevice } from "@fracture/tensor/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { measureTrainingData } from "../distance/measureTrainingData.ts";
import type { TrainingData } from "../distance/trainingData.ts";
import { modelMetadata, onDevice, readModelFile, saveModel, trainingDataMetadata } from "../model/modelFile.ts";
import { CLASSES, formulaPicture, writePictures } from "../testing/pictures.ts";
import { formulaWeights } from "../testing/weights.ts";
import { storeSplit } from "./pictures.ts";
import { predictFiles, type Prediction, type UnreadablePrediction } from "./predictFiles.ts";

const SIZE = 32;
const BATCH = 3;
const folder = mkdtempSync(join(tmpdir(), "fracture-predict-"));
const data = join(folder, "data");
const model = join(folder, "model.safetensors");
const preprocessing = workingPreprocessing(SIZE);
const description = { architecture: "resnet18", classes: CLASSES, preprocessing } as const;
const pictures = CLASSES.flatMap((name) => [0, 1, 2].map((i) => join(data, "test", name, `${i}.png`)));
afterAll(() => rmSync(folder, { recursive: true }));

const dicom: { readonly kinds: Readonly<Record<string, { readonly file: string }>> } = JSON.parse(
  readFileSync(new URL("../data/dicom/testdata/dicom.json", import.meta.url), "utf8"),
);

describeDevice("predictFiles", (device) => {
  beforeAll(async () => {
    await writePictures(data, SIZE, { test: 3 });
    await saveModel(model, await formulaWeights(device(), 2), description);
  });
  const context = { openDevice: async () => device() };
  const all = async (paths: Parameters<typeof predictFiles>[0]["paths"], file = model) => {
    const found: (Prediction | UnreadablePrediction)[] = [];
    for await (const one of predictFiles({ model: file, paths, batchSize: BATCH }, context)) found.push(one);
    return found;
  };

  it("results come in order, broken files in their places, whatever batch a picture was in", async () => {
    const broken = join(folder, "broken.png");
    writeFileSync(broken, "<html>");
    const missing = join(folder, "missing.png");
    const plain = await all(pictures);
    const order = [broken, ...pictures.slice(0, 2), missing, broken, ...pictures.slice(2), missing];
    const mixed = await all(order);
    expect(mixed.map(({ path }) => path)).toEqual(order);
    expect(mixed.filter((one) => !("error" in one))).toEqual(plain);
    expect(mixed.filter((one) => "error" in one).map((one) => "error" in one && one.error)).toEqual([
      "is an HTML page (a download that failed?)",
      "there is no such file",
      "is an HTML page (a download that failed?)",
      "there is no such file",
    ]);
    expect(await all([broken, missing])).toHaveLength(2);
    expect(await all([])).toEqual([]);
  });

  it("a folder, a CSV file and a list that comes bit by bit name the same pictures", async () => {
    const names = (found: readonly { readonly path: string }[]): string[] => found.map(({ path }) => path);
    const csv = join(data, "list.csv");
    writeFileSync(csv, `path,label\n${pictures.map((path) => `${path},x`).join("\n")}\n`);
    async function* list(): AsyncGenerator<string> {
      yield* pictures;
    }
    expect(names(await all([join(data, "test")]))).toEqual(pictures);
    expect(names(await all([csv]))).toEqual(pictures);
    expect(await all(list())).toEqual(await all(pictures));
  });

  it("of an endless list no more is read than a few batches ahead of what the caller has had", async () => {
    let asked = 0;
    async function* endless(): AsyncGenerator<string> {
      for (;;) yield pictures[asked++ % pictures.length]!;
    }
    let had = 0;
    for await (const one of predictFiles({ model, paths: endless(), batchSize: BATCH }, context)) {
      expect("error" in one).toBe(false);
      had += 1;
      expect(asked - had).toBeLessThanOrEqual(4 * BATCH + 1);
      if (had === 5 * BATCH) break;
    }
    expect(had).toBe(5 * BATCH);
  });

  it("of a list that goes on slowly each picture is told before the next path comes", async () => {
    let had = 0;
    async function* slow(): AsyncGenerator<string> {
      for (const [i, path] of pictures.slice(0, 2).entries()) {
        // Ends for the test's sake where nothing comes without another path.
        const end = Date.now() + 20_000;
        while (had < i && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 10));
        expect(had).toBe(i);
        yield path;
      }
    }
    for await (const _ of predictFiles({ model, paths: slow(), batchSize: BATCH }, context)) had += 1;
    expect(had).toBe(2);
  });

  it("says what each file was and what was done to it, and without training data nothing of a distance", async () => {
    const path = join(folder, "IM0001");
    writeFileSync(path, Buffer.from(dicom.kinds["MONOCHROME1"]!.file, "base64"));
    const [png, dcm] = await all([pictures[0]!, path]);
    expect(png).toMatchObject({ distance: null, source: { format: "png", width: SIZE, height: SIZE, bits: 8 } });
    expect(dcm).toMatchObject({
      source: {
        format: "dicom",
        width: 21,
        height: 13,
        bits: 12,
        colour: "grey",
        conversions: [
          { kind: "window", text: "window 1200/1800 applied" },
          { kind: "inverted", text: "MONOCHROME1 inverted" },
        ],
      },
    });
  });

  it("pictures unlike those of training are far, by what the model file keeps of these", async () => {
    const count = 50;
    const stored = storeSplit(
      device(),
      {
        split: "val",
        paths: Array.from({ length: count }, (_, i) => String(i)),
        labels: Array.from({ length: count }, (_, i) => i % 2),
        pictures: {
          data: Uint8Array.from(Array.from({ length: count }, (_, i) => [...formulaPicture(SIZE, i % 2, i)]).flat()),
          size: SIZE,
          channels: 1,
          kept: [],
          unreadable: [],
          cache: { hits: 0, problem: null },
        },
      },
      { preprocessing, augmentation: null, seed: 0 },
    );
    const { model: network } = onDevice(await readModelFile(model), device());
    const options = { device: device(), model: network, batchSize: BATCH, signal: new AbortController().signal };
    const seen: number[] = [];
    const measured = await measureTrainingData(stored, stored, { ...options, onBatch: (done) => seen.push(done) });
    expect(seen.at(-1)).toBe(2 * count);
    const few = { ...stored, labels: stored.labels.slice(1) };
    expect(await measureTrainingData(stored, few, { ...options, onBatch: () => expect.unreachable() })).toBeNull();
    network.dispose();
    stored.dispose();

    const file = join(folder, "places.safetensors");
    const write = (places: TrainingData | string): void => {
      const metadata = typeof places === "string" ? { trainingData: places } : trainingDataMetadata(places);
      writeFileSync(
        file,
        Buffer.concat(safetensorsPieces(weights, { ...modelMetadata(description, null), ...metadata })),
      );
    };
    const { weights } = await readModelFile(model);
    write(measured!);
    const noise = join(folder, "noise.png");
    const { default: sharp } = await import("sharp");
    const random = Uint8Array.from({ length: SIZE * SIZE }, (_, i) => (Math.imul(i, 2654435761) >>> 24) & 255);
    await sharp(random, { raw: { width: SIZE, height: SIZE, channels: 1 } }).toFile(noise);
    const found = await all([...pictures, noise], file);
    const distances = found.map((one) => ("error" in one ? null : one.distance!));
    expect(distances.slice(0, -1).map((distance) => distance!.far)).toEqual(pictures.map(() => false));
    expect(distances.at(-1)).toMatchObject({ percentile: 100, far: true });
    // What the model says is what it says without.
    expect(found.slice(0, -1)).toEqual((await all(pictures)).map((one, i) => ({ ...one, distance: distances[i] })));

    write('{"features":3,"references":"AAAA","validation":[1]}');
    await expect(readModelFile(file)).rejects.toThrow("its metadata is damaged (RangeError: its training data has 3");
  });
});
