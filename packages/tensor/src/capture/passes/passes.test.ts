import { describe, expect, it } from "vitest";
import type { KernelPlan } from "@fracture/kernels";
import { Storage } from "../../storage.ts";
import { Recording } from "../recording.ts";
import { planSlots } from "../slots.ts";
import { dropDeadSteps } from "./dropDeadSteps.ts";
import { elideCopies } from "./elideCopies.ts";

const BYTES = 1024;

/** A kernel y = f(inputs): what a pass sees of it. */
function plan(inputs: number): KernelPlan {
  const reads = Array.from({ length: inputs }, (_, i) => ({ operand: `x${i}`, access: "read" as const }));
  const bindings = [...reads, { operand: "y", access: "read_write" as const }];
  return {
    name: "f",
    operands: Object.fromEntries(bindings.map(({ operand }) => [operand, BYTES])),
    workspace: {},
    passes: [{ label: "f", wgsl: "", bindings, params: null, workgroups: [1, 1, 1] }],
    flop: 0,
    bytes: 0,
  };
}

class Sketch {
  readonly recording = new Recording();
  intermediate = (): Storage => this.recording.allocate(BYTES);
  run(y: Storage, ...inputs: Storage[]): void {
    const operands = new Map([...inputs.map((x, i) => [`x${i}`, x] as const), ["y", y] as const]);
    this.recording.add(plan(inputs.length), operands);
  }
  /** The steps after elision: "copy", or a kernel's inputs and output. */
  elide(...outputs: Storage[]): ("copy" | Storage[])[] {
    return elideCopies(this.recording.steps, this.recording, new Set(outputs)).map((step) =>
      step.kind === "copy" ? "copy" : [...step.operands.values()],
    );
  }
}

/** Memory of its own, or a part of a buffer. */
const external = (buffer = {} as GPUBuffer, offset = 0, bytes = BYTES): Storage =>
  new Storage(bytes, { buffer, offset, size: bytes });

describe("elideCopies", () => {
  it("lets the kernel write where the copy would", () => {
    const s = new Sketch();
    const [x, target, g] = [external(), external(), s.intermediate()];
    s.run(g, x);
    s.recording.addCopy(g, target);
    expect(s.elide()).toEqual([[x, target]]);
  });

  it("keeps the copy of what is an output, or is read after it", () => {
    const s = new Sketch();
    const [x, target, g, h] = [external(), external(), s.intermediate(), s.intermediate()];
    s.run(g, x);
    s.recording.addCopy(g, target);
    expect(s.elide(g)).toEqual([[x, g], "copy"]);
    s.run(h, g);
    expect(s.elide()).toEqual([[x, g], "copy", [g, h]]);
  });

  it("keeps the copy where the target is touched in between, also as a part of a larger buffer", () => {
    const buffer = {} as GPUBuffer;
    const whole = external(buffer, 0, 4 * BYTES);
    for (const reader of [external(buffer, BYTES), whole]) {
      const s = new Sketch();
      const [x, target, g, h] = [external(), external(buffer, BYTES), s.intermediate(), s.intermediate()];
      s.run(g, x);
      s.run(h, reader);
      s.recording.addCopy(g, target);
      expect(s.elide()[2]).toBe("copy");
    }
    const s = new Sketch();
    const [x, target, g, h] = [external(), external(buffer, BYTES), s.intermediate(), s.intermediate()];
    s.run(g, x);
    s.run(h, external(buffer, 2 * BYTES)); // a neighbour is no obstacle
    s.recording.addCopy(g, target);
    expect(s.elide().length).toBe(2);
  });

  it("keeps the copy where a dispatch would read and write one buffer, which WebGPU forbids", () => {
    const s = new Sketch();
    const buffer = {} as GPUBuffer;
    const [a, b] = [external(buffer, 0), external(buffer, BYTES)];
    const [x, g, h] = [external(), s.intermediate(), s.intermediate()];
    s.run(g, x);
    s.run(h, g);
    s.recording.addCopy(h, b);
    s.recording.addCopy(g, a);
    expect(s.elide()).toEqual([[x, g], [g, b], "copy"]);
  });
});

describe("dropDeadSteps", () => {
  it("drops chains that lead nowhere, and keeps what writes outside", () => {
    const s = new Sketch();
    const [x, outside] = [external(), external()];
    const [dead, deader, live, y] = [s.intermediate(), s.intermediate(), s.intermediate(), s.intermediate()];
    s.run(dead, x);
    s.run(live, x);
    s.run(deader, dead);
    s.run(y, live);
    s.run(outside, x);
    const [, second, , fourth, fifth] = s.recording.steps;
    expect(dropDeadSteps(s.recording.steps, s.recording, new Set([y]))).toEqual([second, fourth, fifth]);
  });
});

describe("planSlots", () => {
  it("gives a slot on only when its tensor was read for the last time", () => {
    const s = new Sketch();
    const x = external();
    const chain = Array.from({ length: 4 }, s.intermediate);
    chain.forEach((y, i) => s.run(y, chain[i - 1] ?? x, ...(i === 3 ? [chain[0]!] : [])));
    const { slots, placeOf } = planSlots(s.recording.steps, (storage) => s.recording.owns(storage));
    const [a, b, c, d] = chain.map((storage) => placeOf.get(storage));
    expect(slots.length).toBe(3);
    expect(new Set([a, b, c].map((place) => place!.slot)).size).toBe(3); // the first lives to the end, the second until the third is there
    expect(d).toEqual(b);
  });

  it("puts small tensors side by side where a large one was, but a step's own into different buffers", () => {
    const s = new Sketch();
    const x = external();
    const large = s.recording.allocate(4 * BYTES);
    const [a, b, c, y] = [s.intermediate(), s.intermediate(), s.intermediate(), s.intermediate()];
    s.run(large, x);
    s.run(a, large);
    for (const small of [b, c]) s.run(small, x);
    s.run(y, a, b); // a and b meet here, c lives as long
    s.run(y, c);
    const { slots, placeOf } = planSlots(s.recording.steps, (storage) => s.recording.owns(storage));
    const [inA, inB, inC] = [a, b, c].map((storage) => placeOf.get(storage)!);
    expect(inA!.slot).not.toBe(placeOf.get(large)!.slot);
    expect(inB!.slot).not.toBe(inA!.slot);
    expect([inB, inC]).toEqual([
      { slot: 0, offset: 0 },
      { slot: 0, offset: BYTES },
    ]);
    expect(slots).toEqual([4 * BYTES, BYTES, BYTES]);
  });
});
