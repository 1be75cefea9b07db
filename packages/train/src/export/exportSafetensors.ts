import { namingFile, safetensorsPieces, type FloatStorage } from "@fracture/resnet";
import type { RunContext } from "../api/types.ts";
import { MODEL_FORMAT, modelMetadata, readModelFile } from "../model/modelFile.ts";
import { checkSafetensors } from "./checkSafetensors.ts";
import { refuseExisting, writeExport, type Exported, type ExportOptions } from "./exported.ts";

export interface ExportSafetensorsOptions extends ExportOptions {
  /** Default: "f32". */
  readonly floats?: FloatStorage;
}

/**
 * Writes a model as safetensors with torchvision's names, atomically. A model file of ours says in its metadata what it said
 * before; of published weights the metadata says from now on what their content said: architecture, classes, preprocessing. Opens the
 * device for a check only.
 *
 * @throws ModelFileError, WeightsError where the model can't be read, or f16 can't hold a weight; ExportError where the file is there
 *   already; ExportCheckError; FileWriteError
 */
export async function exportSafetensors(
  options: ExportSafetensorsOptions,
  context: Pick<RunContext, "openDevice" | "signal">,
): Promise<Exported> {
  const { to, floats = "f32" } = options;
  refuseExisting(options);
  const file = await readModelFile(options.model);
  const { weights, metadata, recipe, path } = file;
  const about = metadata["format"] === MODEL_FORMAT ? metadata : { ...metadata, ...modelMetadata(file, recipe) };
  const pieces = namingFile(path, () => safetensorsPieces(weights, about, { floats }));
  const check = options.check ? await checkSafetensors(file, pieces, floats, context) : null;
  context.signal?.throwIfAborted();
  return writeExport(to, pieces, file, check);
}
