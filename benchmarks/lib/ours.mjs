// Our side: captured programs, replayed, and kernels. With `eager` in the task the same step without capture.
import { readFileSync } from "node:fs";
import { autocast, capture, input, noGrad, openDevice, optim, softmaxCrossEntropy, tidy } from "@fracture/tensor";
import { ResNet } from "@fracture/resnet";
import { CLASSES, seededWeights } from "./model.mjs";
import { openKernel } from "./oursKernels.mjs";
import { LEARNING_RATE, worker } from "./worker.mjs";

/** ResNet-50 with the seeded weights. */
export function seededResNet(device) {
  const model = new ResNet({ architecture: "resnet50", classes: CLASSES, device, generator: null });
  model.loadStateDict(new Map([...seededWeights()].map(([name, entry]) => [name, { dtype: "f32", ...entry }])));
  return model;
}

/** A training step (Adam) of `model` as a function that gives the loss, and its inputs: { step, images, labels }. */
export function trainingStep(device, model, { batch, size, precision = "f32" }) {
  const images = input([batch, size, size, 3], { device });
  const labels = input([batch], { device, dtype: "u32" });
  const mixed = precision === "mixed";
  const adam = new optim.Adam(model.train().parameters(), { lr: LEARNING_RATE, halfCopies: mixed });
  const scaler = mixed ? new optim.GradScaler(device) : null;
  const step = () => {
    const loss = autocast(() => softmaxCrossEntropy(model.forward(images), labels), { enabled: mixed });
    adam.zeroGrad();
    (scaler ? scaler.scale(loss) : loss).backward();
    if (scaler) {
      scaler.step(adam);
      scaler.update();
    } else {
      adam.step();
    }
    return loss;
  };
  return { step, images, labels };
}

/** A captured training step: { program, images, labels }. */
export async function captureTraining(device, model, task) {
  const { step, images, labels } = trainingStep(device, model, task);
  return { program: await capture(device, step), images, labels };
}

/** A captured forward pass in inference mode: { program, images }. */
export async function captureInference(device, model, { batch, size, precision = "f32" }) {
  const images = input([batch, size, size, 3], { device });
  const mixed = precision === "mixed";
  if (mixed) model.makeHalfCopies();
  const program = await capture(device, () =>
    noGrad(() => autocast(() => model.eval().forward(images), { enabled: mixed })),
  );
  return { program, images };
}

function replays({ program, images, labels }) {
  return {
    write(pictures, classes) {
      images.write(pictures);
      labels?.write(classes);
    },
    async run(times) {
      for (let i = 0; i < times; i++) program.replay();
      return program.result.data();
    },
    dispatches: () => program.dispatches,
  };
}

/** The step op by op, as a user's own loop would run it. */
function eagerSteps({ step, images, labels }) {
  let counted = 0;
  const passes = GPUComputePassEncoder.prototype;
  const { value: dispatch } = Object.getOwnPropertyDescriptor(passes, "dispatchWorkgroups");
  passes.dispatchWorkgroups = function (...size) {
    counted += 1;
    return dispatch.apply(this, size);
  };
  let dispatches = null;
  return {
    write(pictures, classes) {
      images.write(pictures);
      labels.write(classes);
    },
    async run(times) {
      let value;
      for (let i = 0; i < times; i++) {
        counted = 0;
        const loss = tidy(step);
        dispatches = counted;
        value = await loss.data();
        loss.dispose();
      }
      return value;
    },
    dispatches: () => dispatches,
  };
}

async function open({ eager }) {
  const device = await openDevice();
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  return {
    adapter: { device: device.info.device, driver: device.info.description },
    versions: { fracture: version },
    train: async (task) =>
      eager
        ? eagerSteps(trainingStep(device, seededResNet(device), task))
        : replays(await captureTraining(device, seededResNet(device), task)),
    infer: async (task) => replays(await captureInference(device, seededResNet(device), task)),
    kernel: (part) => openKernel(device, part),
    close: () => device.close(),
  };
}

if (process.argv[1] === import.meta.filename) await worker("fracture", open);
