import { planBatchNormTrainBackward, type DeviceLimits } from "@fracture/kernels";
import { fits, type Flow } from "./flow.ts";

/** Training on a software device: batch norm's backward pass is one dispatch instead of three. Elsewhere it stays as it is. */
export function wholeGradients(flow: Flow, limits: DeviceLimits): void {
  for (const { index, step, made } of flow.kernels("batchNorm.trainBackward")) {
    const plan = planBatchNormTrainBackward(made.geometry, limits, { ...made.options, whole: true });
    if (fits(plan, limits)) flow.replace(index, { ...step, plan });
  }
}
