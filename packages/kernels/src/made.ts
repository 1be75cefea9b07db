import type {
  BatchNormEvalBackwardGeometry,
  BatchNormEvalGeometry,
  BatchNormTrainBackwardGeometry,
  BatchNormTrainGeometry,
} from "./batchNorm/geometry.ts";
import type { BatchNormTrainBackwardOptions } from "./batchNorm/backward.ts";
import type { BatchNormTrainOptions } from "./batchNorm/batchNorm.ts";
import type { BinaryGeometry } from "./elementwise/binary.ts";

/** What a plan was made from: its kernel, and what it was called with. Passes over programs match on it, and plan anew. */
export type Made =
  | {
      readonly kernel: "batchNorm.train";
      readonly geometry: BatchNormTrainGeometry;
      readonly options: BatchNormTrainOptions;
    }
  | {
      readonly kernel: "batchNorm.trainBackward";
      readonly geometry: BatchNormTrainBackwardGeometry;
      readonly options: BatchNormTrainBackwardOptions;
    }
  | { readonly kernel: "batchNorm.eval"; readonly geometry: BatchNormEvalGeometry }
  | { readonly kernel: "batchNorm.evalBackward"; readonly geometry: BatchNormEvalBackwardGeometry }
  | { readonly kernel: "binary"; readonly geometry: BinaryGeometry };

/** What a plan of one kernel was made from. */
export type MadeBy<K extends Made["kernel"]> = Extract<Made, { readonly kernel: K }>;
