import { checkBindingSizes, U32_READ, U32_WRITE } from "../elementwise/flat.ts";
import type { DeviceLimits } from "../limits.ts";
import { ceilDiv, type KernelPlan } from "../plan.ts";
import { checkStored, storedBytes } from "../stored.ts";
import { describePool, type PoolGeometry } from "./geometry.ts";
import { columnsOf, walkPass } from "./walk.ts";

export interface MaxPoolOptions {
  /** Whether the places of the maxima are written, which the gradient needs. Default: true. */
  readonly taps?: boolean;
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

const bytesOf = (g: PoolGeometry) => {
  const outputs = g.n * g.outH * g.outW * g.c;
  const [x, y] = [storedBytes(g.dtype, g.n * g.h * g.w * g.c), storedBytes(g.dtype, outputs)];
  return { x, y, taps: (outputs / columnsOf(g.c).width) * 4 };
};

/**
 * y = the largest x of each window, as torch's max_pool2d: the first where several are equal; a NaN in the window comes
 * through. Operands `x` [n, h, w, c], `y` [n, outH, outW, c] and `taps`: where in its window (row * kernel + column) each maximum was
 * found, for the backward plan; a byte each, four channels a u32, or a u32 each where c is not a multiple of 4.
 */
export function planMaxPool(g: PoolGeometry, limits: DeviceLimits, { taps = true }: MaxPoolOptions = {}): KernelPlan {
  const name = `maxPool ${describePool(g)}`;
  const { x, y, taps: tapBytes } = bytesOf(g);
  const operands = { x, y, ...(taps ? { taps: tapBytes } : {}) };
  checkStored(name, g.dtype, limits);
  checkBindingSizes(name, operands, limits);
  const { columns, width, type, index, read, write, load, store, enables } = columnsOf(g.c, g.dtype);
  const { kernel, stride, padding } = g;
  const at = `((image * ${g.outH}u + row) * ${g.outW}u + place) * ${columns}u + column`;
  // A tap in the padding reads the nearest pixel instead, which is in the window too, and counts as that one.
  const line = (axis: "Row" | "Column", from: string, size: number): string =>
    range(kernel)
      .map(
        (t) =>
          `let at${axis}${t} = u32(clamp(i32(${from} * ${stride}u) + ${t - padding}, 0, ${size - 1}));
  let tap${axis}${t} = (at${axis}${t} + ${padding}u - ${from} * ${stride}u)${axis === "Row" ? ` * ${kernel}u` : ""};`,
      )
      .join("\n  ");
  const visits = range(kernel * kernel).map((t) => {
    const [r, s] = [Math.floor(t / kernel), t % kernel];
    return t === 0
      ? `var best = ${load(`x[base0 + atColumn0 * ${columns}u]`)};${taps ? `\n    var tap = ${index}(tapRow0 + tapColumn0);` : ""}`
      : `{ let v = ${load(`x[base${r} + atColumn${s} * ${columns}u]`)}; let better = isBetter(v, best); best = select(best, v, better);${
          taps ? ` tap = select(tap, ${index}(tapRow${r} + tapColumn${s}), better);` : ""
        } }`;
  });
  const bools = width === 4 ? "vec4<bool>" : "bool";
  const pass = walkPass(
    {
      label: name,
      bindings: { x: read, y: write, ...(taps ? { taps: U32_WRITE } : {}) },
      enables,
      functions: `fn isBetter(v: ${type}, best: ${type}) -> ${bools} {
  // NaN by its bits: compilers fold v != v
  return (v > best) | ((bitcast<${index}>(v) & ${index}(0x7fffffffu)) > ${index}(0x7f800000u));
}`,
      n: g.n,
      down: g.outH,
      across: g.outW,
      columns,
      prepare: `${line("Row", "row", g.h)}
  ${range(kernel)
    .map((r) => `let base${r} = (image * ${g.h}u + atRow${r}) * ${g.w * columns}u + column;`)
    .join("\n  ")}`,
      each: `${line("Column", "place", g.w)}
    ${visits.join("\n    ")}
    y[${at}] = ${store("best")};${
      taps
        ? `\n    taps[${at}] = ${width === 4 ? "tap.x | (tap.y << 8u) | (tap.z << 16u) | (tap.w << 24u)" : "tap"};`
        : ""
    }`,
    },
    limits,
  );
  const comparisons = g.n * g.outH * g.outW * g.c * (kernel * kernel - 1);
  return { name, operands, workspace: {}, flop: comparisons, bytes: x + y + (taps ? tapBytes : 0), passes: [pass] };
}

/**
 * The gradient of `planMaxPool`: dx = the sum of dy over the windows whose maximum was here, in the windows' order. A gather:
 * pixels are visited in blocks of stride x stride, which share the windows that reach them. Operands `dy` [n, outH, outW, c], `taps`
 * and `dx` [n, h, w, c].
 */
export function planMaxPoolBackward(g: PoolGeometry, limits: DeviceLimits): KernelPlan {
  const name = `maxPool.backward ${describePool(g)}`;
  const { x, y, taps } = bytesOf(g);
  const operands = { dy: y, taps, dx: x };
  checkStored(name, g.dtype, limits);
  checkBindingSizes(name, operands, limits);
  const { columns, width, type, index, read, write, load, store, enables } = columnsOf(g.c, g.dtype);
  const { kernel, stride, padding } = g;
  // Window o covers pixels o * stride - padding + tap: a block's pixels are in windows block, block - 1, ..
  const reach = ceilDiv(kernel, stride);
  const outs = (axis: "Row" | "Column", from: string, size: number): string =>
    range(reach)
      .map(
        (a) =>
          `let is${axis}${a} = ${a === 0 ? "" : `${from} >= ${a}u && `}${from} - ${a}u < ${size}u;
  let at${axis}${a} = select(0u, ${from} - ${a}u, is${axis}${a});`,
      )
      .join("\n  ");
  const windows = range(reach * reach).map((i) => [Math.floor(i / reach), i % reach] as const);
  const loads = windows.map(
    ([a, b]) => `let dy${a}_${b} = ${load(`dy[base${a} + atColumn${b} * ${columns}u]`)};
    let tap${a}_${b} = unpackTaps(taps[base${a} + atColumn${b} * ${columns}u] | select(0xffffffffu, 0u, isRow${a} && isColumn${b}));`,
  );
  const stores = range(stride * stride).map((i) => {
    const [p, q] = [Math.floor(i / stride), i % stride];
    const terms = windows
      .toReversed()
      .filter(([a, b]) => p + a * stride < kernel && q + b * stride < kernel)
      .map(
        ([a, b]) =>
          `select(zero, dy${a}_${b}, tap${a}_${b} == ${index}(${(p + a * stride) * kernel + q + b * stride}u))`,
      );
    // Pixels of the padding are left out: unsigned wrap-around makes them too large.
    return `if (row * ${stride}u + ${p}u - ${padding}u < ${g.h}u && place * ${stride}u + ${q}u - ${padding}u < ${g.w}u) {
      dx[origin + (${p}u * ${g.w}u + ${q}u) * ${columns}u] = ${store(terms.length > 0 ? terms.join(" + ") : "zero")};
    }`;
  });
  const pass = walkPass(
    {
      label: name,
      bindings: { dy: read, taps: U32_READ, dx: write },
      enables,
      functions: `fn unpackTaps(packed: u32) -> ${index} { return ${
        width === 4 ? "(vec4u(packed) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(255u)" : "packed"
      }; }`,
      n: g.n,
      down: ceilDiv(g.h + padding, stride),
      across: ceilDiv(g.w + padding, stride),
      columns,
      prepare: `let zero = ${type}();
  ${outs("Row", "row", g.outH)}
  ${range(reach)
    .map((a) => `let base${a} = (image * ${g.outH}u + atRow${a}) * ${g.outW * columns}u + column;`)
    .join("\n  ")}`,
      each: `${outs("Column", "place", g.outW)}
    ${loads.join("\n    ")}
    let origin = ((image * ${g.h}u + row * ${stride}u - ${padding}u) * ${g.w}u + place * ${stride}u - ${padding}u) * ${columns}u + column;
    ${stores.join("\n    ")}`,
    },
    limits,
  );
  return { name, operands, workspace: {}, flop: g.n * g.outH * g.outW * g.c, bytes: x + y + taps, passes: [pass] };
}
