import type { ActivationType, KernelPlan } from "@fracture/kernels";
import type { Device, Program } from "@fracture/tensor";
import type { Progress } from "../output/progress.ts";
import { highest, measureCeilings, type Ceilings } from "./ceilings.ts";
import { timeDispatches } from "./dispatchTimes.ts";
import type { MeasureOptions } from "./measure.ts";

/** What a kernel, or several of them, took and could have taken. Names as they are in the JSON. */
export interface Cost {
  readonly name: string;
  readonly kernels: number;
  readonly dispatches: number;
  /** By the device's clock, the median over the repeats. */
  readonly ms: number;
  /** Of the sum of all dispatches. */
  readonly share: number;
  readonly flop: number;
  /** That have to be moved at least: every operand read or written once. */
  readonly bytes: number;
  readonly gflop_per_s: number;
  readonly gbyte_per_s: number;
  /** Parts of the time that the operations, and the bytes, would take at their ceilings. */
  readonly of_flop_ceiling: number;
  readonly of_byte_ceiling: number;
  /** At the ceilings, each kernel by its operations or its bytes, whichever takes longer. */
  readonly floor_ms: number;
}

export interface KernelCost extends Cost {
  readonly kind: string;
  readonly passes: readonly { readonly label: string; readonly ms: number }[];
}

/** Where a program's time goes. */
export interface Explanation {
  readonly ceilings: Ceilings;
  /** The slowest first. */
  readonly kinds: readonly Cost[];
  /** In the order of the program. */
  readonly each: readonly KernelCost[];
  readonly total: Cost;
  /** Between the dispatches, each of which has a pass of its own: copies, and waiting. */
  readonly between_ms: number;
  /** A replay as training queues it, from its first dispatch to its last, by the device's clock. */
  readonly replay_ms: number;
  readonly repeats: number;
}

/** Times every dispatch of a program, and compares it with what the device was seen to reach. Throws a TensorError on a device that can't time its work. */
export async function explain(
  device: Device,
  program: Program<unknown>,
  options: MeasureOptions,
  progress: Progress,
): Promise<Explanation> {
  progress.update(`timing ${program.dispatches} dispatches`);
  const { dispatches, between_ms, replay_ms } = await timeDispatches(device, program, options);
  let next = 0;
  const timed = program.kernels.map(({ plan }): Timed => {
    const passes = plan.passes.map(({ label }) => ({ label, ms: dispatches[next++]! }));
    return { plan, passes, ms: sum(passes.map(({ ms }) => ms)), kind: kindOf(plan), type: typeOf(plan) };
  });
  const halves = timed.some(({ type }) => type === "f16");
  const measured = await measureCeilings(device, { halves }, options, progress);
  return { ...summarise(timed, raised(measured, timed)), between_ms, replay_ms, repeats: options.repeats };
}

/** A kernel of a program with its measured time. */
export interface Timed {
  readonly plan: Pick<KernelPlan, "name" | "flop" | "bytes">;
  readonly passes: readonly { readonly label: string; readonly ms: number }[];
  readonly ms: number;
  readonly kind: string;
  readonly type: ActivationType;
}

/** Costs by kernel and by kind. */
export function summarise(
  timed: readonly Timed[],
  ceilings: Ceilings,
): Pick<Explanation, "ceilings" | "kinds" | "each" | "total"> {
  const allMs = sum(timed.map(({ ms }) => ms));
  const kinds = new Map<string, Timed[]>();
  for (const kernel of timed) kinds.set(kernel.kind, [...(kinds.get(kernel.kind) ?? []), kernel]);
  const cost = (name: string, kernels: readonly Timed[]): Cost => costOf(name, kernels, allMs, ceilings);
  return {
    ceilings,
    kinds: [...kinds].map(([kind, kernels]) => cost(kind, kernels)).toSorted((a, b) => b.ms - a.ms),
    each: timed.map((kernel) => ({ ...cost(kernel.plan.name, [kernel]), kind: kernel.kind, passes: kernel.passes })),
    total: cost("all", timed),
  };
}

function costOf(name: string, kernels: readonly Timed[], allMs: number, ceilings: Ceilings): Cost {
  const ms = sum(kernels.map((kernel) => kernel.ms));
  const flop = sum(kernels.map(({ plan }) => plan.flop));
  const bytes = sum(kernels.map(({ plan }) => plan.bytes));
  const atCeilings = kernels.map(({ plan, type }) => ({
    flopMs: plan.flop / (ceilings.flop[type] ?? ceilings.flop.f32).rate / 1e6,
    byteMs: plan.bytes / ceilings.bytes.rate / 1e6,
  }));
  return {
    name,
    kernels: kernels.length,
    dispatches: sum(kernels.map(({ passes }) => passes.length)),
    ms,
    share: ms / allMs,
    flop,
    bytes,
    gflop_per_s: flop / ms / 1e6,
    gbyte_per_s: bytes / ms / 1e6,
    of_flop_ceiling: sum(atCeilings.map(({ flopMs }) => flopMs)) / ms,
    of_byte_ceiling: sum(atCeilings.map(({ byteMs }) => byteMs)) / ms,
    floor_ms: sum(atCeilings.map(({ flopMs, byteMs }) => Math.max(flopMs, byteMs))),
  };
}

/** The ceilings, or what a product of the program itself reached where that is more. */
function raised({ flop, bytes }: Ceilings, timed: readonly Timed[]): Ceilings {
  const reached = (type: ActivationType) =>
    timed
      .filter((kernel) => kernel.type === type && isProduct(kernel.plan))
      .map(({ plan, ms }) => ({ rate: plan.flop / ms / 1e6, measured: `${plan.name}, of this program` }));
  return {
    flop: { f32: highest([flop.f32, ...reached("f32")]), f16: flop.f16 && highest([flop.f16, ...reached("f16")]) },
    bytes,
  };
}

const isProduct = ({ name }: Pick<KernelPlan, "name">): boolean => /^(conv2d|matmul)/.test(name);

/** "conv2d.gradWeight 3x3/2 [...]" is a "conv2d.gradWeight 3x3/2"; other kernels are of the kind of their first word. */
export const kindOf = ({ name }: Pick<KernelPlan, "name">): string =>
  /^conv2d\S* (\S+ )*?\d+x\d+\/[\d,]+/.exec(name)?.[0] ?? name.split(" ")[0]!;

/** The type of the numbers that a plan multiplies. */
const typeOf = ({ passes }: KernelPlan): ActivationType =>
  passes.some(({ wgsl }) => wgsl.includes("enable f16;")) ? "f16" : "f32";

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
