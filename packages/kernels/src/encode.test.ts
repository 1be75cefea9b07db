import { expect, it } from "vitest";
import { definePass, foldWorkgroups, type KernelPlan } from "./plan.ts";
import { describeGpu, runPlan } from "./testing/index.ts";

describeGpu("a plan on the device", (gpu) => {
  it("runs with its params, and another value of a param compiles nothing", async () => {
    const scale = (factor: number): KernelPlan => ({
      name: "scale",
      operands: { x: 12, y: 12 },
      workspace: {},
      flop: 3,
      bytes: 24,
      passes: [
        definePass({
          label: "scale",
          bindings: { x: { type: "array<f32>", access: "read" }, y: { type: "array<f32>", access: "read_write" } },
          params: { factor: { f32: factor }, count: { u32: 3 } },
          body: /* wgsl */ `
            @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
              if (id.x < params.count) { y[id.x] = params.factor * x[id.x]; }
            }`,
          workgroups: foldWorkgroups(1, gpu().limits),
        }),
      ],
    });
    const x = new Float32Array([1, 2, 3]);
    const before = gpu().encoder.counts.pipelines;
    expect([...(await runPlan(gpu(), scale(2), { x })).y!]).toEqual([2, 4, 6]);
    expect([...(await runPlan(gpu(), scale(0.5), { x })).y!]).toEqual([0.5, 1, 1.5]);
    expect(gpu().encoder.counts.pipelines - before).toBe(1);
  });
});
