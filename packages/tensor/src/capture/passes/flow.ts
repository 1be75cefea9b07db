import type { DeviceLimits, KernelPlan, Made, MadeBy } from "@fracture/kernels";
import type { Storage } from "../../storage.ts";
import { access, type Recording, type Step } from "../recording.ts";

export type KernelStep = Extract<Step, { readonly kind: "kernel" }>;

/** A step of one kernel, and what its plan was made from. */
export interface MadeStep<K extends Made["kernel"]> {
  readonly index: number;
  readonly step: KernelStep;
  readonly made: MadeBy<K>;
}

/**
 * The steps of a program while a pass rewrites them: what is read and written where. Indices are those of the steps that it
 * was made with: a step that is taken out leaves its place empty.
 */
export class Flow {
  readonly recording: Recording;
  readonly #outputs: ReadonlySet<Storage>;
  readonly #steps: (Step | null)[];
  /** Null until it is asked for after a change. */
  #uses: ReadonlyMap<Storage, readonly Use[]> | null = null;

  constructor(steps: readonly Step[], recording: Recording, outputs: ReadonlySet<Storage>) {
    this.recording = recording;
    this.#outputs = outputs;
    this.#steps = [...steps];
  }

  /** The kernels of one sort that are left, in order. */
  kernels<K extends Made["kernel"]>(kernel: K): MadeStep<K>[] {
    return this.#steps.flatMap((step, index) => {
      const made = step?.kind === "kernel" ? step.plan.made : undefined;
      return step?.kind === "kernel" && made && isMadeBy(made, kernel) ? [{ index, step, made }] : [];
    });
  }

  /** The kernel at an index, if it is of this sort. */
  at<K extends Made["kernel"]>(index: number, kernel: K): MadeStep<K> | null {
    const step = this.#steps[index];
    if (step?.kind !== "kernel" || !step.plan.made || !isMadeBy(step.plan.made, kernel)) return null;
    return { index, step, made: step.plan.made };
  }

  /** True for an intermediate that nobody sees outside of the program. */
  isInner(storage: Storage): boolean {
    return this.recording.owns(storage) && !this.#outputs.has(storage);
  }

  /** The one step that writes an intermediate, before all that read it; null where there are several. */
  writerOf(storage: Storage): number | null {
    const [first, ...rest] = this.#usesOf(storage);
    if (!first?.writes || first.reads || rest.some(({ writes }) => writes)) return null;
    return this.recording.owns(storage) ? first.index : null;
  }

  /** The steps that touch a storage, ascending. */
  usersOf(storage: Storage): number[] {
    return this.#usesOf(storage).map(({ index }) => index);
  }

  /** True where one of the steps between two, both left out, writes into one of these storages, or a part of its buffer. */
  isWrittenBetween(storages: readonly Storage[], after: number, before: number): boolean {
    return this.#steps.slice(after + 1, before).some((step) => {
      if (!step) return false;
      return access(step).writes.some((written) => storages.some((storage) => overlap(written, storage)));
    });
  }

  replace(index: number, step: Step | null): void {
    this.#steps[index] = step;
    this.#uses = null;
  }

  /** Lets every later step use `to` in place of `from`. */
  rename(from: Storage, to: Storage): void {
    this.#steps.forEach((step, index) => {
      if (step) this.#steps[index] = rename(step, from, to);
    });
    this.#uses = null;
  }

  steps(): Step[] {
    return this.#steps.filter((step) => step !== null);
  }

  #usesOf(storage: Storage): readonly Use[] {
    this.#uses ??= usesOf(this.#steps);
    return this.#uses.get(storage) ?? [];
  }
}

interface Use {
  readonly index: number;
  readonly writes: boolean;
  readonly reads: boolean;
}

function usesOf(steps: readonly (Step | null)[]): Map<Storage, Use[]> {
  const uses = new Map<Storage, Use[]>();
  steps.forEach((step, index) => {
    if (!step) return;
    const { reads, writes } = access(step);
    for (const storage of new Set([...reads, ...writes])) {
      const use = { index, writes: writes.includes(storage), reads: reads.includes(storage) };
      const list = uses.get(storage);
      if (list) list.push(use);
      else uses.set(storage, [use]);
    }
  });
  return uses;
}

const isMadeBy = <K extends Made["kernel"]>(made: Made, kernel: K): made is MadeBy<K> => made.kernel === kernel;

/** True where every pass of a plan can be bound. */
export const fits = ({ passes }: KernelPlan, { maxStorageBuffersPerStage }: DeviceLimits): boolean =>
  passes.every(({ bindings }) => bindings.length <= maxStorageBuffersPerStage);

/** True where two storages share bytes: an optimiser's buffer and one parameter's part of it. */
export function overlap(a: Storage, b: Storage): boolean {
  if (!a.binding || !b.binding) return a === b;
  if (a.binding.buffer !== b.binding.buffer) return false;
  const [startA, startB] = [a.binding.offset ?? 0, b.binding.offset ?? 0];
  return startA < startB + b.bytes && startB < startA + a.bytes;
}

/** A step with one storage in another's place. */
export function rename(step: Step, from: Storage, to: Storage): Step {
  const renamed = (storage: Storage): Storage => (storage === from ? to : storage);
  if (step.kind === "copy") return { kind: "copy", from: renamed(step.from), to: renamed(step.to) };
  if (![...step.operands.values()].includes(from)) return step;
  return { ...step, operands: new Map([...step.operands].map(([name, storage]) => [name, renamed(storage)])) };
}
