import { expect } from "vitest";
import { expectClose, type Tolerance } from "@fracture/kernels/testing";
import { capture } from "../capture/capture.ts";
import { tensor } from "../create.ts";
import type { Device } from "../device.ts";
import { mul } from "../ops/binary.ts";
import { sum } from "../ops/reduce.ts";
import { tidy } from "../scope.ts";
import type { Shape } from "../shape.ts";
import type { Data, Tensor } from "../tensor.ts";
import { gradCheck, type GradCheckOptions } from "./gradCheck.ts";

/** What is right: an op's result on some inputs, and the gradients of sum(y * r), from torch in f64. */
export interface OpNumbers {
  readonly inputs: readonly HostTensor[];
  readonly y: HostTensor;
  readonly r: readonly number[];
  readonly gradients: readonly (readonly number[])[];
}

export interface HostTensor {
  readonly shape: Shape;
  readonly data: readonly number[];
}

export interface CheckOpOptions {
  /** Of the result and the gradients. Default: 1e-5 of the value, or 1e-6. */
  readonly tolerance?: Tolerance;
  /** Of the comparison with finite differences. Default: 4 elements of each input. */
  readonly differences?: GradCheckOptions;
}

/**
 * One case of an op: its result and gradients are the given numbers, finite differences agree, a captured program gives eager's bits
 * on every replay, a fused one the given numbers, and nothing but the results stays in memory.
 */
export async function checkOp(
  device: Device,
  f: (...inputs: Tensor[]) => Tensor,
  { inputs: given, y: expected, r: weights, gradients }: OpNumbers,
  { tolerance = { rtol: 1e-5, atol: 1e-6 }, differences = {} }: CheckOpOptions = {},
): Promise<void> {
  const inputs = given.map(({ data, shape }) => tensor(data, { device, shape }).requireGrad());
  const r = tensor(weights, { device, shape: expected.shape });
  const run = (): Tensor => {
    const y = f(...inputs);
    sum(mul(y, r)).backward();
    return y;
  };
  const { live } = device.counts;

  const y = tidy(run);
  expect(y.shape).toEqual(expected.shape);
  const eager = [await y.data(), ...(await takeGradients(inputs))];
  y.dispose();
  expect(device.counts.live, "buffers left behind by eager code").toBe(live);
  [expected.data, ...gradients].forEach((right, i) => expectClose(eager[i]!, right, tolerance));

  for (const fuse of [false, true]) {
    const program = await capture(device, run, { fuse });
    program.replay();
    program.replay();
    const captured = [await program.result.data(), ...(await takeGradients(inputs))];
    if (fuse) [expected.data, ...gradients].forEach((right, i) => expectClose(captured[i]!, right, tolerance));
    else expect(captured, "captured").toEqual(eager);
    program.result.dispose();
    program.dispose();
  }
  expect(device.counts.live, "buffers left behind by a captured program").toBe(live);
  for (const x of [...inputs, r]) x.dispose();

  await gradCheck(
    device,
    f,
    given.map(({ shape }) => shape),
    { samples: 4, ...differences, values: given.map(({ data }) => data) },
  );
}

async function takeGradients(inputs: readonly Tensor[]): Promise<Data[]> {
  const values: Data[] = [];
  for (const input of inputs) {
    values.push(await input.grad!.data());
    input.grad!.dispose();
    input.grad = null;
  }
  return values;
}
