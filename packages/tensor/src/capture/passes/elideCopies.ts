import type { Storage } from "../../storage.ts";
import { access, type Recording, type Step } from "../recording.ts";

/**
 * A copy of an intermediate to its final place (a weight's gradient into the optimiser's buffer) is dropped, and the
 * kernels write there directly, where nothing can tell: the source is not used after the copy, and the target is not
 * touched between the source's first use and the copy.
 */
export function elideCopies(steps: readonly Step[], recording: Recording): Step[] {
  const uses = usesOf(steps);
  const renamed = new Map<Storage, Storage>();
  const dropped = new Set<Step>();
  steps.forEach((step, index) => {
    if (step.kind !== "copy" || !recording.owns(step.from) || recording.owns(step.to)) return;
    const source = uses.get(step.from)!;
    const overlap = (uses.get(step.to) ?? []).some((at) => at >= source[0]! && at < index);
    if (
      source.at(-1) !== index ||
      source.length < 2 ||
      overlap ||
      step.from.bytes !== step.to.bytes ||
      renamed.has(step.from)
    )
      return;
    renamed.set(step.from, step.to);
    dropped.add(step);
  });
  return steps.filter((step) => !dropped.has(step)).map((step) => rename(step, renamed));
}

function rename(step: Step, renamed: ReadonlyMap<Storage, Storage>): Step {
  const to = (storage: Storage): Storage => renamed.get(storage) ?? storage;
  if (step.kind === "copy") return { kind: "copy", from: to(step.from), to: to(step.to) };
  if (![...step.operands.values()].some((storage) => renamed.has(storage))) return step;
  return { ...step, operands: new Map([...step.operands].map(([name, storage]) => [name, to(storage)])) };
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
