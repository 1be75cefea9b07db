import {
  conv2dForwardReference,
  conv2dGeometry,
  conv2dGradInputReference,
  conv2dGradWeightReference,
  matmulReference,
} from "@fracture/kernels";
import { describe, expect, it } from "vitest";
import { CheckError } from "../exitCodes.ts";
import { checkForward, checkGradInput, checkGradWeight, checkMatmul, noise } from "./check.ts";

const g = conv2dGeometry({ n: 2, h: 7, w: 6, c: 5, k: 9, r: 3, s: 3, stride: 2, padding: 1 });
const x = noise(g.n * g.h * g.w * g.c, 1);
const w = noise(g.k * g.r * g.s * g.c, 2);
const dy = noise(g.n * g.outH * g.outW * g.k, 3);

/** Right to f32's rounding. */
const rounded = (values: Float64Array): Float32Array => Float32Array.from(values);

/** The same with one element off by a tenth. */
function spoilt(values: Float32Array): Float32Array {
  const result = values.slice();
  result[Math.floor(values.length / 2)]! += 0.1;
  return result;
}

describe("checks of benchmarks", () => {
  it.each([
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ])("a product passes, transposed %s and %s, and one wrong element is found", (transposeA, transposeB) => {
    const shape = { m: 7, n: 11, k: 5, transposeA, transposeB };
    const [a, b] = [noise(35, 1), noise(55, 2)];
    const y = rounded(matmulReference(shape, a, b));
    expect(checkMatmul("p", shape, { a, b, y })).toBeLessThan(1e-6);
    expect(() => checkMatmul("p", shape, { a, b, y: spoilt(y) })).toThrow(CheckError);
  });

  it("a convolution passes, and one wrong element is found", () => {
    const y = rounded(conv2dForwardReference(g, x, w));
    expect(checkForward("p", g, { x, w, y })).toBeLessThan(1e-6);
    expect(() => checkForward("p", g, { x, w, y: spoilt(y) })).toThrow(
      /^p: the result differs from the f64 reference by /,
    );
  });

  it("a gradient of the input passes, and one wrong element is found", () => {
    const dx = rounded(conv2dGradInputReference(g, dy, w));
    expect(checkGradInput("p", g, { dy, w, dx })).toBeLessThan(1e-6);
    expect(() => checkGradInput("p", g, { dy, w, dx: spoilt(dx) })).toThrow(CheckError);
  });

  it("a gradient of the weight passes, and one wrong element is found", () => {
    const dw = rounded(conv2dGradWeightReference(g, x, dy));
    expect(checkGradWeight("p", g, { x, dy, dw })).toBeLessThan(1e-6);
    expect(() => checkGradWeight("p", g, { x, dy, dw: spoilt(dw) })).toThrow(CheckError);
  });

  it("a result that is no number is found", () => {
    const y = rounded(conv2dForwardReference(g, x, w)).fill(NaN, 3, 4);
    expect(() => checkForward("p", g, { x, w, y })).toThrow(CheckError);
  });
});
