import { parseWeights, type FloatStorage } from "@fracture/resnet";
import type { RunContext } from "../api/types.ts";
import type { ModelFile } from "../model/modelFile.ts";
import type { ExportCheck } from "./checkOnnx.ts";
import { ExportCheckError } from "./errors.ts";
import { largest, largestDifference, PROBES, probeLogits } from "./probe.ts";

/** Of the largest logit: none where the weights are the same, and what 11 bits of each weight come to over fifty layers. */
const TOLERANCES = { f32: 0, f16: 0.05 } as const;

/**
 * Reads a safetensors file's bytes back, and compares the logits of what was read with the model's own.
 *
 * @throws ExportCheckError where they differ by more than the storage of the floats explains
 */
export async function checkSafetensors(
  file: ModelFile,
  pieces: readonly Uint8Array[],
  floats: FloatStorage,
  context: Pick<RunContext, "openDevice" | "signal">,
): Promise<ExportCheck> {
  const { state } = parseWeights(Uint8Array.from(Buffer.concat(pieces)));
  const size = file.preprocessing.crop;
  const ours = await probeLogits(file, size, context);
  const logits = largestDifference(await probeLogits({ ...file, weights: state }, size, context), ours);
  const largestLogit = largest(ours);
  if (!(logits <= TOLERANCES[floats] * largestLogit))
    throw new ExportCheckError(
      `the weights as ${floats} give other logits than the model: they differ by ${logits.toExponential(1)} (the largest is ${largestLogit.toFixed(1)}); nothing was written`,
    );
  return { runtime: "read back", pictures: PROBES, logits, probabilities: null, largestLogit };
}
