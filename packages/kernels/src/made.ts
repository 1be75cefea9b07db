import type {
  BatchNormEvalBackwardGeometry,
  BatchNormEvalGeometry,
  BatchNormTrainBackwardGeometry,
  BatchNormTrainGeometry,
} from "./batchNorm/geometry.ts";
import type { BatchNormTrainBackwardOptions } from "./batchNorm/backward.ts";
import type { BatchNormTrainOptions } from "./batchNorm/batchNorm.ts";
import type { Conv2dForwardOptions, Conv2dGradInputOptions, Conv2dOptions } from "./conv2d/conv2d.ts";
import type { Conv2dGeometry } from "./conv2d/geometry.ts";
import type { BinaryGeometry } from "./elementwise/binary.ts";

/** What a plan was made from: its kernel, and what it was called with. Passes over programs match on it, and plan anew. */
export type Made =
  | {
      readonly kernel: "conv2d.forward";
      readonly geometry: Conv2dGeometry;
      readonly options: Conv2dForwardOptions;
      /** Rows of outputs of a workgroup, of which the epilogue `statistics` leaves the moments; null where it takes no epilogue. */
      readonly epilogueRows: number | null;
    }
  | {
      readonly kernel: "conv2d.gradInput";
      readonly geometry: Conv2dGeometry;
      readonly options: Conv2dGradInputOptions;
      readonly epilogueRows: number | null;
    }
  | { readonly kernel: "conv2d.gradWeight"; readonly geometry: Conv2dGeometry; readonly options: Conv2dOptions }
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
