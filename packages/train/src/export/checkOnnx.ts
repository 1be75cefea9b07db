import { join } from "node:path";
import { ONNX_NAMES } from "@fracture/resnet";
import type * as Ort from "onnxruntime-web";
import type { RunContext } from "../api/types.ts";
import { decide } from "../evaluate/decision.ts";
import type { ModelFile } from "../model/modelFile.ts";
import { ExportCheckError, RuntimeMissingError } from "./errors.ts";
import { largest, largestDifference, PROBES, probeLogits, probePictures } from "./probe.ts";

/** The runtime that was tried. Its build for browsers runs in Node on WebAssembly, and is less than a third of onnxruntime-node's download. */
const ONNX_RUNTIME = "onnxruntime-web@1.30.0";

/** A folder whose node_modules are looked into from here: above a checkout, a portable archive, or the node_modules that we are in. */
const BESIDE_US = join(import.meta.dirname, "..", "..", "..", "..", "..");

/** How far what was written is from the model. */
export interface ExportCheck {
  /** What computed the written file. */
  readonly runtime: string;
  readonly pictures: number;
  /** Largest difference of a logit, and of a probability where the file gives them. */
  readonly logits: number;
  readonly probabilities: number | null;
  /** Largest logit, by magnitude: what the differences are to be seen against. */
  readonly largestLogit: number;
}

/**
 * Of the largest logit: two orders of summation in f32. Trained ResNet-18 and 50 were at 1e-6; a batch norm left out or a stride misplaced
 * changes logits by their own size.
 */
const TOLERANCE = 1e-4;

type Runtime = typeof Ort;

/** @throws RuntimeMissingError that says how it is installed */
export async function loadOnnxRuntime(): Promise<Runtime> {
  try {
    const runtime = await import("onnxruntime-web");
    runtime.env.logLevel = "error";
    // In this thread: workers would outlive a check.
    runtime.env.wasm.numThreads = 1;
    return runtime;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw cause;
    throw new RuntimeMissingError(
      `the check needs ONNX Runtime, which is not installed (33 MB): npm install --prefix ${BESIDE_US} ${ONNX_RUNTIME}`,
      { cause },
    );
  }
}

export interface CheckOnnxOptions {
  readonly runtime: Runtime;
  /** The model that was exported. */
  readonly file: ModelFile;
  /** The ONNX file's bytes. */
  readonly pieces: readonly Uint8Array[];
  readonly size: number;
}

/**
 * Runs an ONNX file in ONNX Runtime on noise, and compares with the model's own logits on the device.
 *
 * @throws ExportCheckError where the runtime can't run the file, or gives something else
 */
export async function checkOnnx(
  { runtime, file, pieces, size }: CheckOnnxOptions,
  context: Pick<RunContext, "openDevice" | "signal">,
): Promise<ExportCheck> {
  const found = await runOnnx(runtime, pieces, size);
  const ours = await probeLogits(file, size, context);
  const alone = largestDifference(found.alone, ours.subarray(0, file.classes.length));
  const logits = Math.max(largestDifference(found.logits, ours), alone);
  const expected = decide(ours, file.classes, file.decision).probabilities;
  const probabilities = found.probabilities && largestDifference(found.probabilities, expected);
  const largestLogit = largest(ours);
  // So written that NaN is no agreement.
  if (!(logits <= TOLERANCE * largestLogit) || !(Number(probabilities) <= TOLERANCE))
    throw new ExportCheckError(
      `ONNX Runtime computes something else than the model: logits differ by ${logits.toExponential(1)} (the largest is ${largestLogit.toFixed(1)}); nothing was written`,
    );
  const name = `onnxruntime-web ${runtime.env.versions.web}`;
  return { runtime: name, pictures: PROBES, logits, probabilities, largestLogit };
}

interface OnnxOutputs {
  readonly logits: Float32Array;
  readonly probabilities: Float32Array | null;
  /** The logits of the first picture in a batch of its own: a batch that is fixed would be noticed. */
  readonly alone: Float32Array;
}

async function runOnnx(runtime: Runtime, pieces: readonly Uint8Array[], size: number): Promise<OnnxOutputs> {
  const planes = toPlanes(probePictures(size), size * size);
  try {
    const session = await runtime.InferenceSession.create(Buffer.concat(pieces), { executionProviders: ["wasm"] });
    try {
      const run = async (count: number): Promise<Ort.InferenceSession.OnnxValueMapType> => {
        const pictures = planes.subarray(0, count * 3 * size * size);
        return session.run({ [ONNX_NAMES.images]: new runtime.Tensor("float32", pictures, [count, 3, size, size]) });
      };
      const floats = (tensor: Ort.OnnxValue | undefined): Float32Array => tensor?.data as Float32Array;
      const { logits, probabilities } = ONNX_NAMES;
      const all = await run(PROBES);
      return {
        logits: floats(all[logits]),
        probabilities: all[probabilities] ? floats(all[probabilities]) : null,
        alone: floats((await run(1))[logits]),
      };
    } finally {
      await session.release();
    }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ExportCheckError(`ONNX Runtime can't run the file (${reason}); nothing was written`, { cause });
  }
}

/** [n, pixels, 3] -> [n, 3, pixels] */
function toPlanes(pictures: Float32Array, pixels: number): Float32Array {
  const planes = new Float32Array(pictures.length);
  for (let i = 0; i < pictures.length; i++) {
    const [picture, pixel, channel] = [Math.floor(i / (3 * pixels)), Math.floor(i / 3) % pixels, i % 3];
    planes[(3 * picture + channel) * pixels + pixel] = pictures[i]!;
  }
  return planes;
}
