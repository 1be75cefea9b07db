import { SlotPool, type Device } from "@fracture/tensor";
import { ImageError, type ImageSource } from "../data/decode.ts";
import type { TrainingDistance } from "../distance/trainingData.ts";
import { decide } from "../evaluate/decision.ts";
import { ExplainError } from "../explain/errors.ts";
import {
  FileNames,
  refuseAmongPictures,
  writeExplanation,
  type ExplainFilesOptions,
  type PictureExplanation,
} from "../explain/explainFiles.ts";
import { GradCam } from "../explain/gradCam.ts";
import type { HeatMap } from "../explain/heatMap.ts";
import { checkPrecision, type Precision } from "../loop/precision.ts";
import { onDevice, readModelFile, type ModelFile } from "../model/modelFile.ts";
import { batchesOf } from "./predict/batches.ts";
import { decodeAhead, type Decoded } from "./predict/decodeAhead.ts";
import { foldersAmong, picturesOf } from "./predict/inputs.ts";
import { PredictPass, type BatchOutput } from "./predict/predictPass.ts";
import type { RunContext } from "./types.ts";

export interface PredictFilesOptions {
  /** A run folder, a `.safetensors` of ours, or published weights. */
  readonly model: string;
  /** Pictures, folders with pictures in them and below, and CSV files with a column `path`; as they come, where they come one by one. */
  readonly paths: readonly string[] | AsyncIterable<string>;
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
  /** How far it lies from the training pictures; null where the model file doesn't tell where those lie. */
  readonly distance: TrainingDistance | null;
  /** What the file was, and what the loader did to it. */
  readonly source: ImageSource;
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
 * can't be read has its reason in its place and stops nothing; nor does a path that does not exist. While the device works on a batch, the
 * next one is decoded, and the caller has the one before: in memory are three batches, however many pictures there are. Where paths come slowly, nothing waits for the next one.
 *
 * @throws WeightsError, ModelFileError, CsvError, ExplainError before the device is opened; RecipeError where it has no f16 and precision is mixed; the signal's reason where it aborts
 */
export async function* predictFiles(
  options: PredictFilesOptions,
  { openDevice, signal }: Pick<RunContext, "openDevice" | "signal">,
): AsyncGenerator<Prediction | UnreadablePrediction, void, undefined> {
  const { batchSize = 8, precision = "f32", explain } = options;
  const file = await readModelFile(options.model);
  const pictures = explain ? await picturesToExplain(options.paths, explain, precision) : picturesOf(options.paths);
  const first = await pictures.next();
  if (first.done) return;
  const device = await openDevice();
  checkPrecision(precision, device);
  using predictor = new Predictor(file, device, options);
  const paths = startingWith(first.value, pictures);
  const decoding = { preprocessing: file.preprocessing, ahead: 2 * batchSize, ...(signal ? { signal } : {}) };
  let results: (() => Promise<Result[]>) | null = null;
  for await (const batch of batchesOf(decodeAhead(paths, decoding), batchSize)) {
    signal?.throwIfAborted();
    const next = batch && (await predictor.predict(batch));
    if (results) yield* await results();
    results = next;
  }
  if (results) yield* await results();
}

type Result = Prediction | UnreadablePrediction;

/** All of them at once: what is written must not lie among them. */
async function picturesToExplain(
  paths: PredictFilesOptions["paths"],
  { folder }: ExplainFilesOptions,
  precision: Precision,
): Promise<AsyncGenerator<string, void, undefined>> {
  const [given, pictures]: [string[], string[]] = [[], []];
  for await (const path of paths) given.push(path);
  for await (const path of picturesOf(given)) pictures.push(path);
  await refuseAmongPictures(folder, pictures, await foldersAmong(given));
  if (precision !== "f32") throw new ExplainError("heat maps are computed in f32, not in mixed precision");
  return picturesOf(pictures);
}

async function* startingWith(first: string, rest: AsyncIterable<string>): AsyncGenerator<string, void, undefined> {
  yield first;
  yield* rest;
}

/** A model on a device that predicts decoded pictures. */
class Predictor {
  readonly #file: ModelFile;
  readonly #model: ReturnType<typeof onDevice>["model"];
  readonly #slots: SlotPool;
  readonly #pass: PredictPass;
  readonly #cam: GradCam | null;
  readonly #writing: Parameters<typeof writeExplanation>[2] | null;

  constructor(file: ModelFile, device: Device, { batchSize = 8, precision = "f32", explain }: PredictFilesOptions) {
    const { classes, preprocessing } = file;
    const { crop: size } = preprocessing;
    const { model } = onDevice(file, device);
    if (precision === "mixed") model.makeHalfCopies();
    this.#file = file;
    this.#model = model;
    this.#slots = new SlotPool(device);
    this.#pass = new PredictPass({
      device,
      model,
      slots: this.#slots,
      precision,
      size,
      features: file.trainingData !== null,
    });
    const layer = explain?.layer ? { layer: explain.layer } : {};
    this.#cam = explain ? new GradCam({ device, model, size, batchSize, ...layer }) : null;
    this.#writing = explain ? { folder: explain.folder, names: new FileNames(), classes, preprocessing } : null;
  }

  /** Queues a batch; the results are waited for by the function that it resolves to. */
  async predict(batch: readonly Decoded[]): Promise<() => Promise<Result[]>> {
    const pictures = batch.flatMap(({ picture }) => (picture ? [picture] : []));
    const output = pictures.length > 0 ? await this.#pass.submit(pictures) : null;
    return async () => {
      const read = await output?.();
      const results: Result[] = [];
      let row = 0;
      for (const one of batch) {
        if (!one.picture) results.push({ path: one.path, error: one.error });
        else results.push(this.#prediction(one, read!, row++));
      }
      return this.#cam ? await this.#explained(results, pictures, this.#cam) : results;
    };
  }

  #prediction(
    { path, source }: Decoded & { readonly source: ImageSource },
    { logits, features }: BatchOutput,
    row: number,
  ): Prediction {
    const { classes, decision, trainingData, weights } = this.#file;
    const own = logits.subarray(row * classes.length, (row + 1) * classes.length);
    const { probabilities, predicted } = decide(own, classes, decision);
    const { positiveClass = "", value = 0 } = decision?.threshold ?? {};
    const width = weights.get("fc.weight")!.shape[1]!;
    const distance = features && trainingData?.distanceOf(features.subarray(row * width, (row + 1) * width));
    return {
      path,
      class: classes[predicted[0]!]!,
      probabilities: Object.fromEntries(classes.map((name, i) => [name, probabilities[i]!])),
      threshold: decision?.threshold ? { class: positiveClass, value } : null,
      classes,
      logits: Array.from(own),
      distance: distance ?? null,
      source,
    };
  }

  async #explained(results: readonly Result[], pictures: readonly Float32Array[], cam: GradCam): Promise<Result[]> {
    const { classes, decision } = this.#file;
    const { maps } = await cam.explain(pictures, (logits) => decide(logits, classes, decision).predicted[0]!);
    const explained: Result[] = [];
    let row = 0;
    for (const result of results) {
      if ("error" in result) explained.push(result);
      else explained.push(await this.#withExplanation(result, maps[row++]!));
    }
    return explained;
  }

  /** A file that was read and is gone, or is another one now, stops nothing either. */
  async #withExplanation(prediction: Prediction, map: HeatMap): Promise<Result> {
    const { path } = prediction;
    try {
      return { ...prediction, explanation: await writeExplanation(path, map, this.#writing!) };
    } catch (error) {
      if (error instanceof ImageError) return { path, error: error.reason };
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#cam?.dispose();
    this.#pass.dispose();
    this.#slots.dispose();
    this.#model.dispose();
  }
}
