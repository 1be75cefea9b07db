import { expect, it } from "vitest";
import { encodeDispatch, MOST_CACHED_UNIFORMS } from "./encode.ts";
import { definePass, type KernelPlan } from "./plan.ts";
import { describeGpu, runPlan } from "./testing/index.ts";

/** y = factor * x of three elements; another `text`, another pipeline. */
const scale = (factor: number, text = "scale"): KernelPlan => ({
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
      body: /* wgsl */ `// ${text}
        @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
          if (id.x < params.count) { y[id.x] = params.factor * x[id.x]; }
        }`,
      workgroups: [1, 1, 1],
    }),
  ],
});

describeGpu("a plan on the device", (gpu) => {
  it("runs with its params, and another value of a param compiles nothing", async () => {
    const x = new Float32Array([1, 2, 3]);
    const before = gpu().encoder.counts.pipelines;
    expect([...(await runPlan(gpu(), scale(2), { x })).y!]).toEqual([2, 4, 6]);
    expect([...(await runPlan(gpu(), scale(0.5), { x })).y!]).toEqual([0.5, 1, 1.5]);
    expect(gpu().encoder.counts.pipelines - before).toBe(1);
  });

  it("is compiled once, however many prepare it at a time", async () => {
    const { encoder } = gpu();
    const before = encoder.counts.pipelines;
    const [one, other] = [scale(1, "one"), scale(1, "other")];
    await Promise.all([encoder.prepare([one, other]), encoder.prepare([other, one]), encoder.prepare([one, one])]);
    await encoder.prepare([one, other]);
    expect(encoder.counts.pipelines - before).toBe(2);
  });

  it("that does not compile is refused to all who prepare it, and again later", async () => {
    const { encoder, device } = gpu();
    const broken = scale(1, "broken\n nonsense");
    device.pushErrorScope("validation"); // the compiler's words
    const refused = [broken, broken].map((plan) => expect(encoder.prepare([plan])).rejects.toThrow("Invalid"));
    await Promise.all(refused);
    await expect(encoder.prepare([broken])).rejects.toThrow("Invalid");
    expect((await device.popErrorScope())?.message).toMatch(/nonsense/);
  });

  it("keeps the latest params only, and a dispatch keeps its own", async () => {
    const { encoder, device } = gpu();
    const { STORAGE, COPY_DST, COPY_SRC, MAP_READ } = GPUBufferUsage;
    const buffer = (usage: number) => device.createBuffer({ size: 12, usage });
    const [x, y, staging] = [buffer(STORAGE | COPY_DST), buffer(STORAGE | COPY_SRC), buffer(MAP_READ | COPY_DST)];
    device.queue.writeBuffer(x, 0, new Float32Array([1, 2, 3]));
    const created = (factor: number): number => {
      const before = encoder.counts.uniforms;
      encoder.dispatches(scale(factor), (name) => ({ buffer: name === "x" ? x : y }));
      return encoder.counts.uniforms - before;
    };
    const [dispatch] = encoder.dispatches(scale(-1), (name) => ({ buffer: name === "x" ? x : y }));
    expect(created(-2)).toBe(1);
    for (let i = 1; i < MOST_CACHED_UNIFORMS; i++) {
      created(i);
      if (i % 1000 === 0) expect(created(-2)).toBe(0); // used again and again, so it stays
    }
    expect(created(-2)).toBe(0);
    expect(created(-1)).toBe(1); // the oldest went
    const commands = device.createCommandEncoder();
    const pass = commands.beginComputePass();
    encodeDispatch(pass, dispatch!);
    pass.end();
    commands.copyBufferToBuffer(y, 0, staging, 0, 12);
    device.queue.submit([commands.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    expect([...new Float32Array(staging.getMappedRange())]).toEqual([-1, -2, -3]);
    for (const used of [x, y, staging]) used.destroy();
  });
});
