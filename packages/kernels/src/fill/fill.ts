import type { DeviceLimits } from "../limits.ts";
import { checkSizes, type KernelPlan } from "../plan.ts";
import { checkBindingSizes, F32_READ, F32_WRITE, flatPass, U32_READ, U32_WRITE } from "../elementwise/flat.ts";

export interface FillGeometry {
  readonly count: number;
  readonly value: number;
  /** f32 where it is left out. */
  readonly dtype?: "f32" | "u32" | "i32";
}

/** y = value everywhere. Operand `y`. The value is a param: another one compiles nothing. */
export function planFill({ count, value, dtype = "f32" }: FillGeometry, limits: DeviceLimits): KernelPlan {
  checkSizes("fill", { count });
  const name = `fill ${dtype} ${value} [${count}]`;
  const operands = { y: count * 4 };
  checkBindingSizes(name, operands, limits);
  const bits = dtype === "f32" ? new Uint32Array(new Float32Array([value]).buffer)[0]! : value >>> 0;
  const pass = flatPass(
    {
      label: name,
      bindings: { y: U32_WRITE },
      params: { bits: { u32: bits } },
      functions: "fn value(i: u32) -> u32 { return params.bits; }",
      output: "y",
      count,
    },
    limits,
  );
  return { name, operands, workspace: {}, flop: 0, bytes: count * 4, passes: [pass] };
}

export interface GatherGeometry {
  /** Rows of the table. */
  readonly tableRows: number;
  /** Rows to pick. */
  readonly rows: number;
  /** Elements of a row. */
  readonly width: number;
}

/**
 * y[i, :] = table[index[i], :]. Operands `table` [tableRows, width] f32, `index` [rows] u32, `y` [rows, width] f32. An
 * index past the table takes its last row.
 */
export function planGather({ tableRows, rows, width }: GatherGeometry, limits: DeviceLimits): KernelPlan {
  checkSizes("gather", { tableRows, rows, width });
  const name = `gather ${rows} of [${tableRows},${width}]`;
  const operands = { table: tableRows * width * 4, index: rows * 4, y: rows * width * 4 };
  checkBindingSizes(name, operands, limits);
  const pass = flatPass(
    {
      label: name,
      bindings: { table: F32_READ, index: U32_READ, y: F32_WRITE },
      params: { width: { u32: width }, lastRow: { u32: tableRows - 1 } },
      functions: `fn offset(i: u32) -> u32 { return min(index[i / params.width], params.lastRow) * params.width + i % params.width; }
fn value(i: u32) -> f32 { return table[offset(i)]; }`,
      output: "y",
      count: rows * width,
      quad: width % 4 === 0 ? { prepare: "let at = offset(i);", value: (k) => `table[at + ${k}u]` } : null,
    },
    limits,
  );
  return { name, operands, workspace: {}, flop: 0, bytes: 8 * rows * width + operands.index, passes: [pass] };
}
