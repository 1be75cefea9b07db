import { checkSizes, type KernelPlan, type Param } from "../plan.ts";
import type { DeviceLimits } from "../limits.ts";
import { checkStored, storedArray, storedBytes, storedName, type ActivationType, type StoredArray } from "../stored.ts";
import { broadcastLayout, broadcastShapes, elementsOf, type BroadcastLayout, type Shape } from "./broadcast.ts";
import { checkBindingSizes, flatPass, type FlatDefinition } from "./flat.ts";
import { BINARY, type BinaryOp, type BinaryRow } from "./ops.ts";

export interface BinaryGeometry {
  readonly op: BinaryOp;
  readonly shapeA: Shape;
  readonly shapeB: Shape;
  /** How the operands are stored; arithmetic is f32. Default: "f32". */
  readonly dtype?: ActivationType;
}

/**
 * y = op(a, b), with broadcasting as numpy and torch do it. Operands `a`, `b`, `y`; y's shape is
 * `broadcastShapes(op, shapeA, shapeB)`. The WGSL depends on the operation and on the number of merged dimensions; sizes
 * and strides are params. Throws GeometryError for shapes that don't fit together.
 */
export function planBinary(geometry: BinaryGeometry, limits: DeviceLimits): KernelPlan {
  const { op, shapeA, shapeB, dtype = "f32" } = geometry;
  for (const shape of [shapeA, shapeB])
    checkSizes(op, Object.fromEntries(shape.map((size, axis) => [`size ${axis}`, size])));
  const shape = broadcastShapes(op, shapeA, shapeB);
  const count = elementsOf(shape);
  const name = `${op}${storedName(dtype)} [${shapeA.join(",")}] [${shapeB.join(",")}]`;
  const stored = storedArray(dtype);
  const operands = {
    a: storedBytes(dtype, elementsOf(shapeA)),
    b: storedBytes(dtype, elementsOf(shapeB)),
    y: storedBytes(dtype, count),
  };
  checkStored(name, dtype, limits);
  checkBindingSizes(name, operands, limits);
  const row: BinaryRow = BINARY[op];
  return {
    name,
    operands,
    workspace: {},
    flop: count,
    bytes: operands.a + operands.b + operands.y,
    passes: [
      flatPass(
        {
          label: name,
          bindings: { a: stored.read, b: stored.read, y: stored.write },
          enables: stored.enables,
          result: stored.store,
          output: "y",
          count,
          ...indexing(row, broadcastLayout(shapeA, shapeB, shape), stored),
        },
        limits,
      ),
    ],
    made: { kernel: "binary", geometry },
  };
}

type Indexing = Pick<FlatDefinition, "functions" | "quad" | "params">;

function indexing(row: BinaryRow, { sizes, stridesA, stridesB }: BroadcastLayout, { load }: StoredArray): Indexing {
  const operation = `${row.functions ?? ""}
fn operation(a: f32, b: f32) -> f32 { return ${row.wgsl}; }
`;
  const last = sizes.length - 1;
  if (last === 0) {
    // One dimension: an operand is read element by element, or is a scalar. (Both scalars: count is 1, and index i is 0.)
    const a = stridesA[0] === 0 ? "0u" : "i";
    const b = stridesB[0] === 0 ? "0u" : "i";
    return {
      functions: `${operation}fn value(i: u32) -> f32 { return operation(${load(`a[${a}]`)}, ${load(`b[${b}]`)}); }`,
    };
  }
  const params: Record<string, Param> = {};
  sizes.forEach((size, axis) => {
    if (axis > 0) params[`size${axis}`] = { u32: size };
    params[`strideA${axis}`] = { u32: stridesA[axis]! };
    params[`strideB${axis}`] = { u32: stridesB[axis]! };
  });
  const steps: string[] = [];
  for (let axis = last; axis > 0; axis--) {
    steps.push(
      `index = rest % params.size${axis};`,
      `rest = rest / params.size${axis};`,
      `at += index * vec2u(params.strideA${axis}, params.strideB${axis});`,
    );
  }
  const offsets = `fn offsets(i: u32) -> vec2u {
  var rest = i;
  var index = 0u;
  var at = vec2u();
  ${steps.join("\n  ")}
  return at + rest * vec2u(params.strideA0, params.strideB0);
}`;
  const functions = `${operation}${offsets}
fn value(i: u32) -> f32 {
  let at = offsets(i);
  return operation(${load("a[at.x]")}, ${load("b[at.y]")});
}`;
  // Four consecutive elements lie in one row of the last dimension; it is not the batch, which is the first of at least two.
  const quad =
    sizes[last]! % 4 === 0
      ? {
          prepare: "let at = offsets(i);",
          value: (k: number) =>
            `operation(${load(`a[at.x + ${k}u * params.strideA${last}]`)}, ${load(`b[at.y + ${k}u * params.strideB${last}]`)})`,
        }
      : null;
  return { functions, params, quad };
}
