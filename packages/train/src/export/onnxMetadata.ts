import type { ModelFile } from "../model/modelFile.ts";
import { RESEARCH_USE } from "../notice.ts";
import { FRACTURE_VERSION } from "../version.ts";

/** Marks ONNX files of ours; the number changes when a reader of the metadata would have to. */
const ONNX_FORMAT = "fracture-onnx/1";

/**
 * `metadata_props` of an ONNX file: what has to be known to use it. Numbers, lists and objects are JSON. `preprocessing` is the model file's;
 * logits are to be divided by `temperature` before a softmax; of two classes, `threshold` ("null" for several, and where the larger
 * probability decides) names the one that is decided for from a calibrated probability on.
 */
export function onnxMetadata({
  architecture,
  classes,
  preprocessing,
  decision,
}: Pick<ModelFile, "architecture" | "classes" | "preprocessing" | "decision">): Record<string, string> {
  const threshold = decision?.threshold;
  return {
    format: ONNX_FORMAT,
    fracture: FRACTURE_VERSION,
    notice: RESEARCH_USE,
    architecture,
    classes: JSON.stringify(classes),
    preprocessing: JSON.stringify(preprocessing),
    temperature: JSON.stringify(decision?.temperature ?? 1),
    threshold: JSON.stringify(threshold ? { class: threshold.positiveClass, probability: threshold.value } : null),
  };
}
