import { DEFAULT_OPSET, namingFile, ONNX_OPSETS, resnetOnnx, type Preprocessing } from "@fracture/resnet";
import type { RunContext } from "../api/types.ts";
import { readModelFile } from "../model/modelFile.ts";
import { FRACTURE_VERSION } from "../version.ts";
import { checkOnnx, loadOnnxRuntime } from "./checkOnnx.ts";
import { ExportError } from "./errors.ts";
import { refuseExisting, writeExport, type Exported, type ExportOptions } from "./exported.ts";
import { RESEARCH_USE } from "../notice.ts";
import { onnxMetadata } from "./onnxMetadata.ts";

export interface ExportOnnxOptions extends ExportOptions {
  /** Side of the pictures. Default: what the model's preprocessing crops to. */
  readonly size?: number;
  /** Default: 17. */
  readonly opset?: number;
  /** Batch norms become part of the convolutions. Default: false. */
  readonly fold?: boolean;
  /** Calibrated probabilities as the first output, the logits as the second. Default: false, logits alone. */
  readonly probabilities?: boolean;
}

/**
 * Writes a model as ONNX, atomically; `resnetOnnx` says what is in the graph, `onnxMetadata` what beside it. Opens the device for a check only.
 *
 * @throws ModelFileError, WeightsError where the model can't be read; ExportError where the file is there already, or for an opset
 *   that is not written; RuntimeMissingError, ExportCheckError of a check, with nothing written; FileWriteError
 */
export async function exportOnnx(
  options: ExportOnnxOptions,
  context: Pick<RunContext, "openDevice" | "signal">,
): Promise<Exported> {
  const { to, opset = DEFAULT_OPSET, fold = false, probabilities = false } = options;
  refuseExisting(options);
  if (!ONNX_OPSETS.includes(opset))
    throw new ExportError(to, `opset ${opset} is not written; there are ${ONNX_OPSETS[0]} to ${ONNX_OPSETS.at(-1)}`);
  // That it is missing is said before a large file is read.
  const runtime = options.check ? await loadOnnxRuntime() : null;
  const file = await readModelFile(options.model);
  const about = { ...file, preprocessing: resized(file.preprocessing, options.size) };
  const size = about.preprocessing.crop;
  const pieces = namingFile(file.path, () =>
    resnetOnnx(file.weights, {
      architecture: file.architecture,
      size,
      opset,
      fold,
      probabilities: probabilities ? { temperature: file.decision?.temperature ?? 1 } : null,
      producerVersion: FRACTURE_VERSION,
      doc: RESEARCH_USE,
      metadata: onnxMetadata(about),
    }),
  );
  const check = runtime && (await checkOnnx({ runtime, file, pieces, size }, context));
  context.signal?.throwIfAborted();
  return writeExport(to, pieces, about, check);
}

/** The same share of the picture at another size. */
function resized(preprocessing: Preprocessing, size = preprocessing.crop): Preprocessing {
  const { resize, crop } = preprocessing;
  return { ...preprocessing, resize: Math.round((resize * size) / crop), crop: size };
}
