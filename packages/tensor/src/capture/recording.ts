import type { KernelPlan } from "@fracture/kernels";
import { CaptureError } from "../errors.ts";
import { Storage } from "../storage.ts";

/** One recorded kernel, or a copy of a storage's bytes. */
export type Step =
  | { readonly kind: "kernel"; readonly plan: KernelPlan; readonly operands: ReadonlyMap<string, Storage> }
  | { readonly kind: "copy"; readonly from: Storage; readonly to: Storage };

/** What a captured function did, in order. */
export class Recording {
  readonly steps: Step[] = [];
  /** Called before every replay: an optimiser writes its step count and rates. */
  readonly beforeReplay: (() => void)[] = [];
  /** Called where the function throws: gradients that it left on leaves were never computed. */
  readonly onFailure: (() => void)[] = [];
  readonly #own = new Set<Storage>();

  /** True for the intermediates of this recording. */
  owns(storage: Storage): boolean {
    return this.#own.has(storage);
  }

  allocate(bytes: number): Storage {
    const storage = new Storage(bytes, null);
    this.#own.add(storage);
    return storage;
  }

  add(plan: KernelPlan, operands: ReadonlyMap<string, Storage>): void {
    for (const [name, storage] of operands) this.#check(plan.name, name, storage);
    this.steps.push({ kind: "kernel", plan, operands });
  }

  addCopy(from: Storage, to: Storage): void {
    this.#check("copy", "from", from);
    this.steps.push({ kind: "copy", from, to });
  }

  #check(step: string, operand: string, storage: Storage): void {
    if (!storage.binding && !this.owns(storage))
      throw new CaptureError(
        `${step}: ${operand} belongs to another captured function: return it from there to use it here`,
      );
  }
}

/** The storages that a step reads and writes; the plan's workspaces are not among them. */
export function access(step: Step): { reads: Storage[]; writes: Storage[] } {
  if (step.kind === "copy") return { reads: [step.from], writes: [step.to] };
  const reads = new Set<Storage>();
  const writes = new Set<Storage>();
  for (const pass of step.plan.passes) {
    for (const { operand, access: mode } of pass.bindings) {
      const storage = step.operands.get(operand);
      if (!storage) continue;
      (mode === "read" ? reads : writes).add(storage);
    }
  }
  return { reads: [...reads], writes: [...writes] };
}
