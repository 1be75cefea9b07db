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

interface Slot {
  bytes: number;
  free: boolean;
}

/**
 * Places every intermediate by its first and last use, first come first served: the free slot whose size is nearest
 * is taken, and grown if it is too small. A workspace lives for its step.
 */
export function planSlots(steps: readonly Step[], isIntermediate: (storage: Storage) => boolean): SlotPlan {
  const slots: Slot[] = [];
  const slotOf = new Map<Storage, number>();
  const uses = usesOf(steps);
  const workspaceOf = steps.map((step, index) => {
    for (const [storage, at] of uses)
      if (at[0] === index && isIntermediate(storage)) slotOf.set(storage, take(slots, storage.bytes));
    const workspaces = new Map(
      step.kind === "kernel"
        ? Object.entries(step.plan.workspace).map(([name, bytes]) => [name, take(slots, bytes)])
        : [],
    );
    for (const slot of workspaces.values()) slots[slot]!.free = true;
    for (const [storage, at] of uses) {
      const slot = slotOf.get(storage);
      if (slot !== undefined && at.at(-1) === index) slots[slot]!.free = true;
    }
    return workspaces;
  });
  return { slots: slots.map((slot) => slot.bytes), slotOf, workspaceOf };
}

function take(slots: Slot[], bytes: number): number {
  const size = Math.ceil(bytes / 256) * 256;
  let best = -1;
  for (const [index, slot] of slots.entries()) {
    if (slot.free && (best < 0 || cost(slot.bytes, size) < cost(slots[best]!.bytes, size))) best = index;
  }
  if (best < 0) best = slots.push({ bytes: 0, free: true }) - 1;
  const slot = slots[best]!;
  slot.free = false;
  slot.bytes = Math.max(slot.bytes, size);
  return best;
}

/** Bytes wasted by a slot that is too large, or to be added to one that is too small. */
const cost = (slot: number, size: number): number => Math.abs(slot - size);
