// Our side: a captured program, replayed.
import { readFileSync } from "node:fs";
import { capture, input, noGrad, openDevice, optim, softmaxCrossEntropy } from "@fracture/tensor";
import { ResNet } from "@fracture/resnet";
import { CLASSES, seededWeights } from "./model.mjs";
import { LEARNING_RATE, worker } from "./worker.mjs";

/** ResNet-50 with the seeded weights. */
export function seededResNet(device) {
  const model = new ResNet({ architecture: "resnet50", classes: CLASSES, device, generator: null });
  model.loadStateDict(new Map([...seededWeights()].map(([name, entry]) => [name, { dtype: "f32", ...entry }])));
  return model;
}

/** A captured training step (Adam) of `model`: { program, images, labels }. */
export async function captureTraining(device, model, { batch, size }) {
  const images = input([batch, size, size, 3], { device });
  const labels = input([batch], { device, dtype: "u32" });
  const adam = new optim.Adam(model.train().parameters(), { lr: LEARNING_RATE });
  const program = await capture(device, () => {
    const loss = softmaxCrossEntropy(model.forward(images), labels);
    loss.backward();
    adam.step();
    return loss;
  });
  return { program, images, labels };
}

/** A captured forward pass in inference mode: { program, images }. */
export async function captureInference(device, model, { batch, size }) {
  const images = input([batch, size, size, 3], { device });
  const program = await capture(device, () => noGrad(() => model.eval().forward(images)));
  return { program, images };
}

async function open() {
  const device = await openDevice();
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  return {
    adapter: { device: device.info.device, driver: device.info.description },
    versions: { fracture: version },
    async train(task) {
      const { program, images, labels } = await captureTraining(device, seededResNet(device), task);
      return async (pictures, classes) => {
        images.write(pictures);
        labels.write(classes);
        program.replay();
        return program.result.data();
      };
    },
    async infer(task) {
      const { program, images } = await captureInference(device, seededResNet(device), task);
      return async (pictures) => {
        images.write(pictures);
        program.replay();
        return program.result.data();
      };
    },
    close: () => device.close(),
  };
}

if (process.argv[1] === import.meta.filename) await worker("fracture", open);
