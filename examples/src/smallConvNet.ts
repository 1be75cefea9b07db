/**
 * A small convolutional network learns to tell horizontal from vertical bars in noise, in eager code: every line runs when
 * it is reached, and `tidy` gives the memory of a step back.
 *
 *     npm run -s on-device -- node examples/dist/smallConvNet.js
 */
import { pathToFileURL } from "node:url";
import {
  argmax,
  noGrad,
  nn,
  openDevice,
  optim,
  softmaxCrossEntropy,
  tensor,
  tidy,
  type Device,
} from "@fracture/tensor";

const SIZE = 16;
const BATCH = 64;

/** Pictures [n, 16, 16, 1] of one bar in noise, and whether it is vertical. A pure function of the seed. */
export function bars(count: number, seed: number): { pictures: Float32Array<ArrayBuffer>; labels: number[] } {
  const generator = new nn.Generator(seed);
  const pictures = generator.normal([count, SIZE, SIZE, 1], 0, 0.5);
  const places = generator.uniform([count], 2, SIZE - 2);
  const labels = Array.from({ length: count }, (_, i) => i % 2);
  for (const [i, label] of labels.entries()) {
    const place = Math.floor(places[i]!);
    for (let t = 2; t < SIZE - 2; t++) {
      const at = label === 1 ? t * SIZE + place : place * SIZE + t;
      pictures[i * SIZE * SIZE + at]! += 1.5;
    }
  }
  return { pictures, labels };
}

export function smallConvNet(init: nn.InitOptions): nn.Sequential {
  return new nn.Sequential(
    new nn.Conv2d(1, 8, { kernelSize: 3, padding: 1, bias: false, ...init }),
    new nn.BatchNorm2d(8, init),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Conv2d(8, 16, { kernelSize: 3, padding: 1, ...init }),
    new nn.ReLU(),
    new nn.GlobalAvgPool(),
    new nn.Linear(16, 2, init),
  );
}

/** Trains on fresh pictures and returns the accuracy on others. */
export async function train(device: Device, steps: number, log: (line: string) => void): Promise<number> {
  using model = smallConvNet({ device, generator: new nn.Generator(0) });
  using adam = new optim.Adam(model.parameters(), { lr: 0.01 });
  for (let i = 1; i <= steps; i++) {
    const { pictures, labels } = bars(BATCH, i);
    const loss = tidy(() => {
      const logits = model.forward(tensor(pictures, { device, shape: [BATCH, SIZE, SIZE, 1] }));
      const loss = softmaxCrossEntropy(logits, tensor(labels, { device, dtype: "u32" }));
      adam.zeroGrad();
      loss.backward();
      adam.step();
      return loss.detach();
    });
    if (i % 20 === 0) log(`step ${i}: loss ${(await loss.item()).toFixed(4)}`);
    loss.dispose();
  }
  model.eval();
  const { pictures, labels } = bars(200, 0x5eed);
  using predicted = tidy(() =>
    noGrad(() => argmax(model.forward(tensor(pictures, { device, shape: [200, SIZE, SIZE, 1] })))),
  );
  const values: ArrayLike<number> = await predicted.data();
  return labels.filter((label, i) => values[i] === label).length / labels.length;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  using device = await openDevice();
  console.log(`${(100 * (await train(device, 60, console.log))).toFixed(1)}% of fresh pictures are told apart`);
}
