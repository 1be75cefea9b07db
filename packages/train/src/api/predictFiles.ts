import { stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { dirname, join, resolve } from "node:path";
import { preprocess, type Preprocessing } from "@fracture/resnet";
import { input, SlotPool, type Device } from "@fracture/tensor";
import { decodeImage, ImageError } from "../data/decode.ts";
import { listImages } from "../data/listing.ts";
import { isManifest } from "../data/manifest.ts";
import { readTable } from "../data/table.ts";
import { decide, type Decision } from "../evaluate/decision.ts";
import { ExplainError } from "../explain/errors.ts";
import {
  FileNames,
  refuseAmongPictures,
  writeExplanation,
  type ExplainFilesOptions,
  type PictureExplanation,
} from "../explain/explainFiles.ts";
import { GradCam } from "../explain/gradCam.ts";
import type { Feed } from "../loop/feeds.ts";
import { ForwardPass } from "../loop/forward.ts";
import { checkPrecision, type Precision } from "../loop/precision.ts";
import { onDevice, readModelFile } from "../model/modelFile.ts";
import type { RunContext } from "./types.ts";

export interface PredictFilesOptions {
  /** A run folder, a `.safetensors` of ours, or published weights. */
  readonly model: string;
  /** Pictures, folders with pictures in them and below, and CSV files with a column `path`. */
  readonly paths: readonly string[];
  /** Default: "f32", whatever the model was trained in. */
  readonly precision?: Precision;
  /** Pictures a batch. Default: 8. */
  readonly batchSize?: number;
  /** Write each picture, and beside it the same with its heat map (Grad-CAM). In f32 only. */
  readonly explain?: ExplainFilesOptions;
}

/** What a model says about a picture. */
export interface Prediction {
  readonly path: string;
  /** The class decided for. */
  readonly class: string;
  /** With the model's temperature, where it has one. */
  readonly probabilities: Readonly<Record<string, number>>;
  /** The model's, of two classes: that class is decided for from this probability on. Null: the largest decides. */
  readonly threshold: { readonly class: string; readonly value: number } | null;
  /** The model's classes in their order, which the keys of an object don't keep where they are numbers. */
  readonly classes: readonly string[];
  /** In the order of the classes. */
  readonly logits: readonly number[];
  /** Where `explain` was asked for. */
  readonly explanation?: PictureExplanation;
}

/** A picture that can't be read. */
export interface UnreadablePrediction {
  readonly path: string;
  readonly error: string;
}

/**
 * Predicts pictures one after the other, as they were named, with the preprocessing that the model file names. A picture that
 * can't be read has its reason in its place and stops nothing; nor does a path that does not exist.
 *
 * @throws WeightsError, ModelFileError, CsvError, ExplainError before the device is opened; RecipeError where it has no f16 and precision is mixed; the signal's reason where it aborts
 */
export async function* predictFiles(
  options: PredictFilesOptions,
  { openDevice, signal }: Pick<RunContext, "openDevice" | "signal">,
): AsyncGenerator<Prediction | UnreadablePrediction, void, undefined> {
  const { batchSize = 8, precision = "f32", explain } = options;
  const file = await readModelFile(options.model);
  const paths = await picturesIn(options.paths);
  if (paths.length === 0) return;
  if (explain) refuseAmongPictures(explain.folder, paths, await foldersIn(options.paths));
  if (explain && precision !== "f32") throw new ExplainError("heat maps are computed in f32, not in mixed precision");
  const { classes, preprocessing, decision } = file;
  const device = await openDevice();
  checkPrecision(precision, device);
  const { model } = onDevice(file, device);
  if (precision === "mixed") model.makeHalfCopies();
  const slots = new SlotPool(device);
  const feed = new HostFeed(device, preprocessing.crop);
  const pass = new ForwardPass(
    { device, model, slots, precision, batchSize, ...(signal ? { signal } : {}) },
    feed,
    "fc",
  );
  const layer = explain?.layer ? { layer: explain.layer } : {};
  const cam = explain && new GradCam({ device, model, size: preprocessing.crop, batchSize, ...layer });
  const writing = explain && { folder: explain.folder, names: new FileNames(), classes, preprocessing };
  const decided = (row: Float32Array): number => decide(row, classes, decision).predicted[0]!;
  try {
    for await (const batch of batches(paths, batchSize, preprocessing, signal)) {
      feed.pictures = batch.flatMap(({ picture }) => (picture ? [picture] : []));
      const explained = cam && (await cam.explain(feed.pictures, decided));
      const logits =
        explained?.logits ?? (feed.pictures.length > 0 ? await pass.collect(feed.pictures.length) : new Float32Array());
      let row = 0;
      for (const { path, picture, error } of batch) {
        const at = classes.length * row;
        const map = explained?.maps[row];
        if (picture) row += 1;
        if (!picture) yield { path, error };
        else {
          const found = prediction(path, classes, logits.subarray(at, at + classes.length), decision);
          yield map && writing ? { ...found, explanation: await writeExplanation(path, map, writing) } : found;
        }
      }
    }
  } finally {
    cam?.dispose();
    pass.dispose();
    slots.dispose();
    model.dispose();
  }
}

function prediction(
  path: string,
  classes: readonly string[],
  logits: Float32Array,
  decision: Decision | null,
): Prediction {
  const { probabilities, predicted } = decide(logits, classes, decision);
  const { positiveClass = "", value = 0 } = decision?.threshold ?? {};
  return {
    path,
    class: classes[predicted[0]!]!,
    probabilities: Object.fromEntries(classes.map((name, i) => [name, probabilities[i]!])),
    threshold: decision?.threshold ? { class: positiveClass, value } : null,
    classes,
    logits: Array.from(logits),
  };
}

/** Files as they are, folders as the pictures in them, CSV files as the pictures that they list. */
async function picturesIn(paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) {
    const info = await stat(path).catch(() => null);
    if (info?.isFile() && isManifest(path)) {
      found.push(...readTable(path, ["path"]).rows.map(({ cells }) => resolve(dirname(path), cells["path"]!)));
    } else if (info?.isDirectory()) found.push(...(await listImages(path)).images.map((name) => join(path, name)));
    else found.push(path);
  }
  return found;
}

async function foldersIn(paths: readonly string[]): Promise<string[]> {
  const folders = await Promise.all(paths.map(async (path) => (await stat(path).catch(() => null))?.isDirectory()));
  return paths.filter((_, i) => folders[i]);
}

/** Pictures on their way to the device, [crop, crop, 3] each. */
class HostFeed implements Feed {
  readonly delivers = null;
  pictures: readonly Float32Array[] = [];
  readonly #device: Device;
  readonly #size: number;

  constructor(device: Device, size: number) {
    this.#device = device;
    this.#size = size;
  }

  batch(n: number): ReturnType<Feed["batch"]> {
    const x = input([n, this.#size, this.#size, 3], { device: this.#device });
    const values = new Float32Array(x.size);
    return {
      tensor: () => x,
      load: (indices) => {
        indices.forEach((index, row) => values.set(this.pictures[index]!, row * (x.size / n)));
        x.write(values);
      },
      dispose: () => x.dispose(),
    };
  }
}

type Decoded =
  | { readonly path: string; readonly picture: Float32Array; readonly error?: undefined }
  | { readonly path: string; readonly picture: null; readonly error: string };

/** Batches in order; the next one is decoded while the caller works on one. */
async function* batches(
  paths: readonly string[],
  size: number,
  preprocessing: Preprocessing,
  signal: AbortSignal | undefined,
): AsyncGenerator<Decoded[], void, undefined> {
  const decode = async (start: number): Promise<Decoded[]> => {
    const results: Decoded[] = [];
    let next = start;
    const worker = async (): Promise<void> => {
      while (next < Math.min(start + size, paths.length)) {
        const i = next++;
        results[i - start] = await decodeOne(paths[i]!, preprocessing);
      }
    };
    await Promise.all(Array.from({ length: Math.min(size, availableParallelism()) }, worker));
    return results;
  };
  let ahead = decode(0);
  for (let start = 0; start < paths.length; start += size) {
    signal?.throwIfAborted();
    const batch = await ahead;
    if (start + size < paths.length) {
      ahead = decode(start + size);
      ahead.catch(() => {}); // its error is thrown where it is awaited
    }
    yield batch;
  }
}

async function decodeOne(path: string, preprocessing: Preprocessing): Promise<Decoded> {
  try {
    return { path, picture: preprocess(await decodeImage(path, preprocessing), preprocessing) };
  } catch (error) {
    if (error instanceof ImageError) return { path, picture: null, error: error.reason };
    throw error;
  }
}
