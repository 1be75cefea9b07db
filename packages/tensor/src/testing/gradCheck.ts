import { expect } from "vitest";
import { randomNormal } from "@fracture/kernels/testing";
import type { Device } from "../device.ts";
import { noGrad } from "../autograd/noGrad.ts";
import { mul } from "../ops/binary.ts";
import { sum } from "../ops/reduce.ts";
import { tidy } from "../scope.ts";
import type { Shape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { tensor } from "../create.ts";

export interface GradCheckOptions {
  /** Values of the inputs; default: seeded normal numbers. */
  readonly values?: readonly (ArrayLike<number> | null)[];
  /** Step of the central difference. Default: 1e-2, which suits f32. */
  readonly step?: number;
  /** Largest difference, relative to the gradient's largest element. Default: 1e-2. */
  readonly tolerance?: number;
  /** Elements tried of each input. Default: 12, spread evenly. */
  readonly samples?: number;
}

/**
 * Compares the gradients of sum(f(inputs) * r), r random and fixed, with central differences (f(x+h) - f(x-h)) / 2h.
 * The weighted sum is taken on the host in f64.
 */
export async function gradCheck(
  device: Device,
  f: (...inputs: Tensor[]) => Tensor,
  shapes: readonly Shape[],
  options: GradCheckOptions = {},
): Promise<void> {
  const { step = 1e-2, tolerance = 1e-2, samples = 12 } = options;
  const hosts = shapes.map((shape, i) =>
    Float32Array.from(
      options.values?.[i] ??
        randomNormal(
          shape.reduce((a, b) => a * b, 1),
          11 + i,
        ),
    ),
  );
  const inputs = hosts.map((values, i) => tensor(values, { device, shape: shapes[i]! }).requireGrad());
  const result = noGrad(() => f(...inputs));
  const weights = randomNormal(result.size, 99);
  const r = tensor(weights, { device, shape: result.shape });
  tidy(() => sum(mul(f(...inputs), r)).backward());
  const evaluate = async (): Promise<number> => {
    const y = noGrad(() => f(...inputs));
    const values = Array.from(await y.data());
    y.dispose();
    return values.reduce((total, value, i) => total + value * weights[i]!, 0);
  };
  for (const [i, input] of inputs.entries()) {
    const gradient = Array.from(await input.grad!.data());
    const largest = gradient.reduce((most, g) => Math.max(most, Math.abs(g)), 1e-3);
    const host = hosts[i]!;
    for (let at = 0; at < host.length; at += Math.max(1, Math.floor(host.length / samples))) {
      const value = host[at]!;
      const tried = async (x: number): Promise<number> => {
        host[at] = x;
        input.write(host);
        return evaluate();
      };
      const difference = (await tried(value + step)) - (await tried(value - step));
      await tried(value);
      const expected = difference / (Math.fround(value + step) - Math.fround(value - step));
      expect(
        Math.abs(gradient[at]! - expected) / largest,
        `input ${i}, element ${at}: ${gradient[at]} instead of ${expected}`,
      ).toBeLessThan(tolerance);
    }
  }
  for (const input of inputs) {
    input.grad?.dispose();
    input.dispose();
  }
  r.dispose();
  result.dispose();
}
