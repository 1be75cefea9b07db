import { GeometryError } from "../errors.ts";
import type { DeviceLimits } from "../limits.ts";
import { checkSizes, type KernelPlan, type Param } from "../plan.ts";
import { checkStored, storedArray, storedBytes, storedName, type ActivationType } from "../stored.ts";
import { elementsOf, type Shape } from "../elementwise/broadcast.ts";
import { checkBindingSizes, flatPass } from "../elementwise/flat.ts";

/** A box in a tensor: x's shape, where the box begins and its sizes, an entry an axis. */
export interface SliceGeometry {
  readonly shape: Shape;
  readonly starts: readonly number[];
  readonly sizes: readonly number[];
  /** How the elements are stored. Default: "f32". */
  readonly dtype?: ActivationType;
}

interface Box {
  readonly params: Record<string, Param>;
  /** WGSL: the index in x of element i of the box, `inBox(i)`. */
  readonly inner: string;
  /** WGSL: the index in the box of element i of x, or 0xffffffff outside it, `outOfBox(i)`. */
  readonly outer: string;
  /** Four neighbours of the box, from a multiple of 4, are neighbours in x. */
  readonly quads: boolean;
  readonly boxCount: number;
  readonly wholeCount: number;
  readonly boxBytes: number;
  readonly wholeBytes: number;
}

function boxOf(kernel: string, { shape, starts, sizes, dtype = "f32" }: SliceGeometry): Box {
  if (starts.length !== shape.length || sizes.length !== shape.length)
    throw new GeometryError(kernel, "starts and sizes need an entry an axis", { shape, starts, sizes });
  checkSizes(kernel, Object.fromEntries(sizes.map((size, axis) => [`size ${axis}`, size])));
  // An axis that is taken whole is one with the axis before it.
  const merged: { whole: number; start: number; size: number }[] = [{ whole: 1, start: 0, size: 1 }];
  shape.forEach((whole, axis) => {
    const [start, size] = [starts[axis]!, sizes[axis]!];
    if (!Number.isInteger(start) || start < 0 || start + size > whole) {
      throw new GeometryError(kernel, `axis ${axis} has no elements ${start} to ${start + size - 1}`, {
        shape,
        starts,
        sizes,
      });
    }
    const last = merged.at(-1)!;
    if (start === 0 && size === whole)
      merged[merged.length - 1] = { whole: last.whole * whole, start: last.start * whole, size: last.size * whole };
    else merged.push({ whole, start, size });
  });
  const params: Record<string, Param> = {};
  const inner: string[] = [];
  const outer: string[] = [];
  const strides = (key: "whole" | "size"): number[] =>
    merged.map((_, axis) => merged.slice(axis + 1).reduce((product, dimension) => product * dimension[key], 1));
  const [wholeStrides, boxStrides] = [strides("whole"), strides("size")];
  for (let axis = merged.length - 1; axis >= 0; axis--) {
    const { whole, start, size } = merged[axis]!;
    Object.assign(params, {
      [`whole${axis}`]: { u32: whole },
      [`start${axis}`]: { u32: start },
      [`size${axis}`]: { u32: size },
      [`wholeStride${axis}`]: { u32: wholeStrides[axis]! },
      [`boxStride${axis}`]: { u32: boxStrides[axis]! },
    });
    inner.push(
      `at += (rest % params.size${axis} + params.start${axis}) * params.wholeStride${axis};`,
      `rest = rest / params.size${axis};`,
    );
    outer.push(
      `index = rest % params.whole${axis} - params.start${axis};`, // wraps below the start
      `if (index >= params.size${axis}) { return 0xffffffffu; }`,
      `at += index * params.boxStride${axis};`,
      `rest = rest / params.whole${axis};`,
    );
  }
  return {
    params,
    inner: `fn inBox(i: u32) -> u32 {\n  var rest = i;\n  var at = 0u;\n  ${inner.join("\n  ")}\n  return at;\n}`,
    outer: `fn outOfBox(i: u32) -> u32 {\n  var rest = i;\n  var at = 0u;\n  var index = 0u;\n  ${outer.join("\n  ")}\n  return at;\n}`,
    quads: merged.at(-1)!.size % 4 === 0,
    boxCount: elementsOf(sizes),
    wholeCount: elementsOf(shape),
    boxBytes: storedBytes(dtype, elementsOf(sizes)),
    wholeBytes: storedBytes(dtype, elementsOf(shape)),
  };
}

const nameOf = (kernel: string, { shape, starts, sizes, dtype = "f32" }: SliceGeometry): string =>
  `${kernel}${storedName(dtype)} [${shape.join(",")}] from ${starts.join(",")} sized ${sizes.join(",")}`;

/** y = the box of x, contiguous. Operands `x`, `y`. Throws GeometryError for a box that is not inside x. */
export function planSlice(geometry: SliceGeometry, limits: DeviceLimits): KernelPlan {
  const { dtype = "f32" } = geometry;
  const box = boxOf("slice", geometry);
  const name = nameOf("slice", geometry);
  const operands = { x: box.wholeBytes, y: box.boxBytes };
  checkStored(name, dtype, limits);
  checkBindingSizes(name, operands, limits);
  const { read, write, load, store, enables } = storedArray(dtype);
  const pass = flatPass(
    {
      label: name,
      bindings: { x: read, y: write },
      enables,
      result: store,
      params: box.params,
      functions: `${box.inner}\nfn value(i: u32) -> f32 { return ${load("x[inBox(i)]")}; }`,
      output: "y",
      count: box.boxCount,
      quad: box.quads ? { prepare: "let at = inBox(i);", value: (k) => load(`x[at + ${k}u]`) } : null,
    },
    limits,
  );
  return { name, operands, workspace: {}, flop: 0, bytes: 2 * box.boxBytes, passes: [pass] };
}

/** dx = dy in the box and 0 around it. Operands `dy` (the box), `dx` (the whole). Also pads with zeros. */
export function planSliceBackward(geometry: SliceGeometry, limits: DeviceLimits): KernelPlan {
  const { dtype = "f32" } = geometry;
  const box = boxOf("slice.backward", geometry);
  const name = nameOf("slice.backward", geometry);
  const operands = { dy: box.boxBytes, dx: box.wholeBytes };
  checkStored(name, dtype, limits);
  checkBindingSizes(name, operands, limits);
  const { read, write, load, store, enables } = storedArray(dtype);
  const pass = flatPass(
    {
      label: name,
      bindings: { dy: read, dx: write },
      enables,
      result: store,
      params: box.params,
      functions: `${box.outer}
fn value(i: u32) -> f32 {
  let at = outOfBox(i);
  if (at == 0xffffffffu) { return 0.0; }
  return ${load("dy[at]")};
}`,
      output: "dx",
      count: box.wholeCount,
    },
    limits,
  );
  return { name, operands, workspace: {}, flop: 0, bytes: box.boxBytes + box.wholeBytes, passes: [pass] };
}

/** Writes x into the box of y and leaves the rest of y as it is: a concatenation is one of these a part. Operands `x` (the box), `y` (the whole). */
export function planSliceInto(geometry: SliceGeometry, limits: DeviceLimits): KernelPlan {
  const { dtype = "f32" } = geometry;
  const box = boxOf("slice.into", geometry);
  const name = nameOf("slice.into", geometry);
  const operands = { x: box.boxBytes, y: box.wholeBytes };
  checkStored(name, dtype, limits);
  checkBindingSizes(name, operands, limits);
  const { read, write, load, store, enables } = storedArray(dtype);
  const pass = flatPass(
    {
      label: name,
      bindings: { x: read, y: write },
      enables,
      result: store,
      params: box.params,
      functions: `${box.inner}\nfn value(i: u32) -> f32 { return ${load("x[i]")}; }`,
      output: "y",
      place: (i) => `inBox(${i})`,
      quad: box.quads
        ? { prepare: "let at = inBox(i);", value: (k) => load(`x[i + ${k}u]`), place: (k) => `at + ${k}u` }
        : null,
      count: box.boxCount,
    },
    limits,
  );
  return { name, operands, workspace: {}, flop: 0, bytes: 2 * box.boxBytes, passes: [pass] };
}
