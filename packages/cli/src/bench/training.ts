import type { ResNet } from "@fracture/resnet";
import { autocast, optim, softmaxCrossEntropy, type Tensor } from "@fracture/tensor";
import type { Precision } from "@fracture/train";

/** A model that is trained. */
export interface Training {
  readonly model: ResNet;
  readonly adam: optim.Adam;
  /** In mixed precision. */
  readonly scaler: optim.GradScaler | null;
}

/** Adam with torch's defaults, and in mixed precision the loss scale. */
export function startTraining(model: ResNet, precision: Precision): Training {
  const mixed = precision === "mixed";
  const scaler = mixed ? new optim.GradScaler(model.fc.weight.device) : null;
  return { model, adam: new optim.Adam(model.parameters(), { halfCopies: mixed }), scaler };
}

/** Forward, loss, backward, update, as training does it; returns the loss. */
export function trainingStep({ model, adam, scaler }: Training, x: Tensor, labels: Tensor): Tensor {
  const logits = autocast(() => model.forward(x), { enabled: scaler !== null });
  const loss = softmaxCrossEntropy(logits, labels);
  adam.zeroGrad();
  if (scaler) {
    scaler.scale(loss).backward();
    scaler.step(adam);
    scaler.update();
  } else {
    loss.backward();
    adam.step();
  }
  return loss;
}
