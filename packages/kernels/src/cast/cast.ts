import { DeviceLimitError } from "../errors.ts";
import { BYTES_PER_ELEMENT, type DeviceLimits, type DType } from "../limits.ts";
import { checkSizes, type KernelPlan } from "../plan.ts";
import { checkBindingSizes, flatPass } from "../elementwise/flat.ts";

export interface CastGeometry {
  readonly from: DType;
  readonly to: DType;
  readonly count: number;
}

/** The bytes of a buffer of `count` elements: a binding is a multiple of four. */
const bytesOf = (dtype: DType, count: number): number => Math.ceil((BYTES_PER_ELEMENT[dtype] * count) / 4) * 4;

/**
 * y = x in another type. Operands `x`, `y`. To f16 rounds to the nearest; to u32 and i32 drops the fraction and
 * stays within the type's range. Throws DeviceLimitError for f16 on a device without `shader-f16`.
 */
export function planCast({ from, to, count }: CastGeometry, limits: DeviceLimits): KernelPlan {
  checkSizes("cast", { count });
  const name = `cast ${from} to ${to} [${count}]`;
  const half = from === "f16" || to === "f16";
  if (half && !limits.f16) throw new DeviceLimitError(name, "shader-f16", 1, 0);
  const operands = { x: bytesOf(from, count), y: bytesOf(to, count) };
  checkBindingSizes(name, operands, limits);
  const pass = flatPass(
    {
      label: name,
      bindings: { x: { type: `array<${from}>`, access: "read" }, y: { type: `array<${to}>`, access: "read_write" } },
      ...(half ? { enables: ["enable f16;"] } : {}),
      functions: `fn value(i: u32) -> ${to} { return ${to}(x[i]); }`,
      output: "y",
      count,
    },
    limits,
  );
  return { name, operands, workspace: {}, flop: 0, bytes: operands.x + operands.y, passes: [pass] };
}
