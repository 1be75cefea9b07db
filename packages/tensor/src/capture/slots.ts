import type { Storage } from "../storage.ts";
import { usesOf } from "./passes/elideCopies.ts";
import type { Step } from "./recording.ts";

/** Buffers that intermediates share: two have the same slot only if their lives don't touch. */
export interface SlotPlan {
  /** Bytes of every slot. */
  readonly slots: readonly number[];
  readonly slotOf: ReadonlyMap<Storage, number>;
  /** The slots of a kernel's workspaces, by step and name. */
  readonly workspaceOf: readonly ReadonlyMap<string, number>[];
}

/** What a slot holds: from the step that first touches it to the last one. */
interface Life {
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
  readonly place: (slot: number) => void;
}

/**
 * Places every intermediate, a workspace for its step, the largest first ("greedy by size" of Pisarchyk and Lee 2020): each
 * goes into the smallest slot whose tenants' lives don't touch its own, so that a slot never grows. A ResNet-50's training step
 * (224 px, batch 32) gets by with 1.1 times what is alive at its fullest; first come, first served took 1.35 times that, and
 * twice as much in mixed precision on a software device, where large workspaces come and go.
 */
export function planSlots(steps: readonly Step[], isIntermediate: (storage: Storage) => boolean): SlotPlan {
  const slotOf = new Map<Storage, number>();
  const lives: Life[] = [];
  for (const [storage, at] of usesOf(steps)) {
    if (!isIntermediate(storage)) continue;
    const [first, last] = [at[0]!, at.at(-1)!];
    lives.push({ bytes: storage.bytes, first, last, place: (slot) => slotOf.set(storage, slot) });
  }
  const workspaceOf = steps.map((step, index) => {
    const places = new Map<string, number>();
    for (const [name, bytes] of Object.entries(step.kind === "kernel" ? step.plan.workspace : {}))
      lives.push({ bytes, first: index, last: index, place: (slot) => places.set(name, slot) });
    return places;
  });
  const slots: { readonly bytes: number; readonly tenants: Life[] }[] = [];
  // Equal sizes in the order of their lives: a plan is the same on every run.
  for (const life of lives.toSorted((a, b) => b.bytes - a.bytes || a.first - b.first)) {
    let index = slots.findLastIndex(({ tenants }) => !tenants.some((other) => touch(life, other)));
    if (index < 0) index = slots.push({ bytes: Math.ceil(life.bytes / 256) * 256, tenants: [] }) - 1;
    slots[index]!.tenants.push(life);
    life.place(index);
  }
  return { slots: slots.map(({ bytes }) => bytes), slotOf, workspaceOf };
}

/** A step's result must not lie where its operands do. */
const touch = (a: Life, b: Life): boolean => a.first <= b.last && b.first <= a.last;
