/**
 * A network with two hidden layers learns to tell two interleaved spirals apart, with the tensor package alone.
 *
 *     npm run -s on-device -- node examples/dist/twoSpirals.js
 */
import { pathToFileURL } from "node:url";
import {
  argmax,
  capture,
  nn,
  openDevice,
  optim,
  relu,
  softmaxCrossEntropy,
  tensor,
  type Device,
  type Tensor,
} from "@fracture/tensor";

const POINTS = 400;
const HIDDEN = 64;

/** Points [n, 2] on two spirals of one and a half turns, and which of the two each is on. */
export function spirals(count: number): { points: Float32Array<ArrayBuffer>; labels: number[] } {
  const points = new Float32Array(count * 2);
  const labels: number[] = [];
  for (let i = 0; i < count; i++) {
    const label = i % 2;
    const radius = 0.15 + 0.85 * (i / count);
    const angle = 3 * Math.PI * radius + Math.PI * label;
    points.set([radius * Math.cos(angle), radius * Math.sin(angle)], i * 2);
    labels.push(label);
  }
  return { points, labels };
}

/** Attribute names become the names in the state dict: `hidden.weight`, `out.bias`. */
export class TwoLayers extends nn.Module {
  readonly hidden: nn.Linear;
  readonly middle: nn.Linear;
  readonly out: nn.Linear;

  constructor(init: nn.InitOptions) {
    super();
    this.hidden = new nn.Linear(2, HIDDEN, init);
    this.middle = new nn.Linear(HIDDEN, HIDDEN, init);
    this.out = new nn.Linear(HIDDEN, 2, init);
  }

  override forward(x: Tensor): Tensor {
    return this.out.forward(relu(this.middle.forward(relu(this.hidden.forward(x)))));
  }
}

/** Trains and returns the share of points on the right side. */
export async function train(device: Device, steps: number, log: (line: string) => void): Promise<number> {
  const { points, labels } = spirals(POINTS);
  using x = tensor(points, { device, shape: [POINTS, 2] });
  using y = tensor(labels, { device, dtype: "u32" });
  using model = new TwoLayers({ device, generator: new nn.Generator(1) });
  using adam = new optim.Adam(model.parameters(), { lr: 0.01 });

  using step = await capture(device, () => {
    const logits = model.forward(x);
    const loss = softmaxCrossEntropy(logits, y);
    adam.zeroGrad();
    loss.backward();
    adam.step();
    return { loss, predicted: argmax(logits) };
  });

  using loss = step.result.loss;
  using predicted = step.result.predicted;
  for (let i = 1; i <= steps; i++) {
    step.replay();
    if (i % 100 === 0) log(`step ${i}: loss ${(await loss.item()).toFixed(4)}`);
  }
  const sides = await predicted.data();
  return labels.filter((label, i) => sides[i] === label).length / POINTS;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  using device = await openDevice();
  const accuracy = await train(device, 500, console.log);
  console.log(`${(100 * accuracy).toFixed(1)}% of the points are on the right side`);
}
