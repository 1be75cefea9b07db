import type { Storage } from "../storage.ts";
import { usesOf } from "./passes/elideCopies.ts";
import type { Step } from "./recording.ts";

/** A part of a slot's buffer: its first byte, a multiple of 256, as bindings want it. */
export interface Place {
  readonly slot: number;
  readonly offset: number;
}

/** Buffers that intermediates share: two lie on the same bytes only if their lives don't touch, in one buffer only if no step uses both. */
export interface SlotPlan {
  /** Bytes of every slot. */
  readonly slots: readonly number[];
  readonly placeOf: ReadonlyMap<Storage, Place>;
  /** The places of a kernel's workspaces, by step and name. */
  readonly workspaceOf: readonly ReadonlyMap<string, Place>[];
}

/** What lies in a slot: from the step that first uses it to the last one. */
interface Life {
  /** A multiple of `ALIGNMENT`. */
  readonly bytes: number;
  /** The steps that use it, ascending. */
  readonly steps: readonly number[];
  readonly place: (place: Place) => void;
}

interface Tenant {
  readonly life: Life;
  readonly offset: number;
}

/** WebGPU's default `minStorageBufferOffsetAlignment`. */
const ALIGNMENT = 256;

/**
 * Places every intermediate, a workspace for its step, the largest first ("greedy by size" of Pisarchyk and Lee 2020): each
 * goes into the smallest slot that has room for it while it lives, so that a slot never grows. A step's operands are in
 * buffers of their own, as WebGPU tracks hazards by buffer and forbids that one is read and written in a dispatch; else
 * several small ones lie side by side where a large one was.
 */
export function planSlots(steps: readonly Step[], isIntermediate: (storage: Storage) => boolean): SlotPlan {
  const placeOf = new Map<Storage, Place>();
  const lives: Life[] = [];
  const add = (bytes: number, used: readonly number[], place: Life["place"]): void => {
    lives.push({ bytes: Math.ceil(bytes / ALIGNMENT) * ALIGNMENT, steps: used, place });
  };
  for (const [storage, at] of usesOf(steps))
    if (isIntermediate(storage)) add(storage.bytes, at, (place) => placeOf.set(storage, place));
  const workspaceOf = steps.map((step, index) => {
    const places = new Map<string, Place>();
    for (const [name, bytes] of Object.entries(step.kind === "kernel" ? step.plan.workspace : {}))
      add(bytes, [index], (place) => places.set(name, place));
    return places;
  });
  const slots: { readonly bytes: number; readonly tenants: Tenant[] }[] = [];
  // Equal sizes in the order of their lives: a plan is the same on every run.
  for (const life of lives.toSorted((a, b) => b.bytes - a.bytes || a.steps[0]! - b.steps[0]!)) {
    let [slot, offset] = [slots.length - 1, -1];
    for (; slot >= 0; slot--) {
      offset = roomFor(life, slots[slot]!);
      if (offset >= 0) break;
    }
    if (slot < 0) [slot, offset] = [slots.push({ bytes: life.bytes, tenants: [] }) - 1, 0];
    slots[slot]!.tenants.push({ life, offset });
    life.place({ slot, offset });
  }
  return { slots: slots.map(({ bytes }) => bytes), placeOf, workspaceOf };
}

/** The first offset in a slot at which a life's bytes are free as long as it lasts; -1 where there is none. */
function roomFor(
  life: Life,
  { bytes, tenants }: { readonly bytes: number; readonly tenants: readonly Tenant[] },
): number {
  const beside = tenants.filter((tenant) => touch(life, tenant.life));
  if (beside.some((tenant) => tenant.life.steps.some((step) => life.steps.includes(step)))) return -1;
  let offset = 0;
  for (const tenant of beside.toSorted((a, b) => a.offset - b.offset)) {
    if (offset + life.bytes <= tenant.offset) break;
    offset = Math.max(offset, tenant.offset + tenant.life.bytes);
  }
  return offset + life.bytes <= bytes ? offset : -1;
}

/** A step's result must not lie where its operands do. */
const touch = (a: Life, b: Life): boolean => a.steps[0]! <= b.steps.at(-1)! && b.steps[0]! <= a.steps.at(-1)!;
