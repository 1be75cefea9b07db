import type { Storage } from "../../storage.ts";
import { access, type Recording, type Step } from "../recording.ts";
import { overlap, rename } from "./flow.ts";

/**
 * A copy of an intermediate to its final place (a weight's gradient into the optimiser's buffer) is dropped, and the
 * kernels write there directly, where nothing can tell: the source is no output and not used after the copy, and the
 * target's part of its buffer is not touched between the source's first use and the copy.
 */
export function elideCopies(steps: readonly Step[], recording: Recording, outputs: ReadonlySet<Storage>): Step[] {
  const uses = usesOf(steps);
  const result: (Step | null)[] = [...steps];
  steps.forEach((step, index) => {
    if (step.kind !== "copy" || !recording.owns(step.from) || recording.owns(step.to)) return;
    const { from, to } = step;
    const source = uses.get(from)!;
    if (outputs.has(from) || source.at(-1) !== index || source.length < 2 || from.bytes !== to.bytes) return;
    const between = result.slice(source[0], index).filter((other) => other !== null);
    if (between.some((other) => storagesOf(other).some((storage) => overlap(storage, to)))) return;
    const users = source.slice(0, -1);
    const renamed = users.map((at) => rename(result[at]!, from, to));
    if (renamed.some(conflicts)) return;
    users.forEach((at, i) => (result[at] = renamed[i]!));
    result[index] = null;
  });
  return result.filter((step) => step !== null);
}

const storagesOf = (step: Step): Storage[] =>
  step.kind === "copy" ? [step.from, step.to] : [...step.operands.values()];

/** WebGPU forbids a buffer that is read by one binding of a dispatch and written by another, or copied to itself. */
function conflicts(step: Step): boolean {
  if (step.kind === "copy") return step.from.binding?.buffer === step.to.binding?.buffer && step.to.binding !== null;
  return step.plan.passes.some(({ bindings }) => {
    const buffers = (mode: "read" | "read_write"): (GPUBuffer | undefined)[] =>
      bindings.flatMap(({ operand, access: given }) =>
        given === mode ? [step.operands.get(operand)?.binding?.buffer] : [],
      );
    const written = new Set(buffers("read_write").filter((buffer) => buffer !== undefined));
    return buffers("read").some((buffer) => buffer !== undefined && written.has(buffer));
  });
}

/** For every storage the indices of the steps that touch it, ascending. */
export function usesOf(steps: readonly Step[]): Map<Storage, number[]> {
  const uses = new Map<Storage, number[]>();
  steps.forEach((step, index) => {
    const { reads, writes } = access(step);
    for (const storage of new Set([...reads, ...writes])) {
      const list = uses.get(storage);
      if (list) list.push(index);
      else uses.set(storage, [index]);
    }
  });
  return uses;
}
