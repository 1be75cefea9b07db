import { describeDevice } from "@fracture/tensor/testing";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { Explanation } from "../bench/explain.ts";
import { runCaptured } from "../testing/captured.ts";
import { temporaryFolder } from "../testing/temporaryFolder.ts";

interface Report {
  adapter: string;
  driver: string;
  rows: ({ name: string; median_ms: number } & Record<string, number>)[];
}

async function report(...argv: string[]): Promise<Report> {
  const { exitCode, stdout, stderr } = await runCaptured([
    "bench",
    ...argv,
    "--repeat",
    "1",
    "--warm-up",
    "0",
    "--json",
  ]);
  expect(exitCode, stderr).toBe(0);
  return JSON.parse(stdout) as Report;
}

describeDevice("fracture bench", (device) => {
  it("gemm --json names the adapter and gives each product's median and rate, checked", async () => {
    const { adapter, driver, rows } = await report("gemm", "--sizes", "32,48");
    expect({ adapter, driver }).toEqual({ adapter: device().info.device, driver: device().info.description });
    expect(rows.map(({ name }) => name)).toEqual(["matmul AB [32,32]x[32,32]", "matmul AB [48,48]x[48,48]"]);
    for (const row of rows) {
      expect(row.median_ms).toBeGreaterThan(0);
      expect(row["gflop_per_s"]).toBeCloseTo(row["flop"]! / row.median_ms / 1e6, 9);
      expect(row["largest_error"]).toBeLessThan(1e-4);
    }
  });

  it("conv --shapes measures the three products of a file's convolutions", async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, "shapes.json");
    writeFileSync(file, JSON.stringify([{ n: 1, h: 9, w: 7, c: 8, k: 12, r: 3, s: 3, stride: 2, padding: [1, 0] }]));
    const { rows } = await report("conv", "--shapes", file, "--plot", join(folder.path, "pictures", "conv"));
    expect(rows.map(({ product }) => product)).toEqual(["forward", "gradInput", "gradWeight"]);
    for (const row of rows) expect(row["largest_error"]).toBeLessThan(1e-4);
    const picture = readFileSync(join(folder.path, "pictures", "conv", "roofline-f32.svg"), "utf8");
    for (const product of ["forward", "gradInput", "gradWeight"]) expect(picture).toContain(`>${product}</text>`);
    expect(
      readFileSync(join(folder.path, "pictures", "conv", "roofline-f32.png"))
        .subarray(1, 4)
        .toString(),
    ).toBe("PNG");
  });

  it(
    "step --json gives images/s of a step that agrees with the eager run and creates nothing",
    { timeout: 300_000 },
    async () => {
      const { rows } = await report(
        // Of fewer pictures the last layers normalise two values by their own spread, which makes much of any rounding.
        ..."step --arch resnet18 --size 32 --batch-size 8 --classes 3 --explain".split(" "),
      );
      const [row] = rows;
      expect(rows).toHaveLength(1);
      expect(row!["images_per_s"]).toBeCloseTo(8000 / row!.median_ms, 6);
      expect(row!["largest_error"]).toBeLessThan(1e-4);
      expect(row!["slot_bytes"]).toBeLessThan(row!["unshared_bytes"]!);
      expect(row!["created_while_measured"]).toEqual({ buffers: 0, bind_groups: 0, pipelines: 0 });
      expect(row!["last_loss"]).toBeGreaterThan(0);
      expect(row!["idle_between_steps"]).toBeGreaterThanOrEqual(0);
      expect(row!["idle_between_steps"]).toBeLessThan(1);
      const { each, kinds, total, replay_ms } = row!["explanation"] as unknown as Explanation;
      expect([total.kernels, total.dispatches]).toEqual([row!["kernels"], row!["dispatches"]]);
      expect(each).toHaveLength(row!["kernels"]!);
      expect(total.flop).toBe(row!["flop"]);
      for (const costs of [each, kinds]) {
        expect(costs.reduce((sum, { ms }) => sum + ms, 0)).toBeCloseTo(total.ms, 6);
        expect(costs.reduce((sum, { dispatches }) => sum + dispatches, 0)).toBe(row!["dispatches"]);
      }
      for (const { passes } of each) for (const { ms } of passes) expect(ms).toBeGreaterThan(0);
      expect(replay_ms).toBeGreaterThan(0);
    },
  );

  it("step and infer --precision mixed agree with eager runs to f16's rounding", { timeout: 600_000 }, async () => {
    for (const what of ["step", "infer"]) {
      const { rows } = await report(
        ...`${what} --arch resnet18 --size 32 --batch-size 4 --classes 3 --precision mixed`.split(" "),
      );
      expect(rows[0]!.name).toMatch(/^resnet18 (training step|inference), 32 x 32, batch 4, mixed$/);
      expect(rows[0]!["largest_error"]).toBeLessThan(Math.sqrt(60) * 2 ** -10);
    }
  });

  it("infer prints a table with images/s and what the program is made of", async () => {
    const { exitCode, stdout, stderr } = await runCaptured(
      "bench infer --arch resnet18 --size 32 --batch-size 1 --repeat 1 --warm-up 0".split(" "),
    );
    expect(exitCode, stderr).toBe(0);
    const [adapter, , heading, row] = stdout.split("\n");
    expect(adapter).toContain(device().info.description);
    expect(heading).toMatch(/^ +ms +images\/s +GFLOP\/s$/);
    expect(row).toMatch(/^resnet18 inference, 32 x 32, batch 1, f32 +[\d.,]+ +[\d.,]+ +[\d.,]+$/);
    expect(stdout).toContain("agrees with the eager run");
    if (device().info.software) expect(stderr).toContain("computing on the CPU");
  });

  it("data measures decoding, augmentation and the loop against its bare step on a folder's pictures, and leaves nothing", async () => {
    using folder = temporaryFolder();
    const data = join(folder.path, "phantoms");
    await runCaptured(["data", "phantom", data, ..."--train 5 --val 2 --test 0 --size 48".split(" ")]);
    const temporaries = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith("fracture-bench-"));
    const before = temporaries();
    const options = "--arch resnet18 --size 32 --batch-size 2 --steps 2".split(" ");
    const { rows } = await report("data", "--data", data, ...options);
    expect(rows.map(({ name }) => name.split(/,| with/)[0])).toEqual([
      "decoding",
      ...(device().gpu.features.has("timestamp-query") ? ["augmentation kernel"] : []),
      "batches",
      "bare training step",
      "training loop",
    ]);
    for (const row of rows) expect(row["images_per_s"]).toBeCloseTo((row["images"]! * 1000) / row.median_ms, 6);
    expect(rows.at(-1)!["lost"]).toBeCloseTo(1 - rows.at(-2)!.median_ms / rows.at(-1)!.median_ms, 9);
    expect(temporaries().filter((name) => !before.includes(name))).toEqual([]);
  });

  it("data says before it opens the device that a folder has too few pictures", async () => {
    using folder = temporaryFolder();
    const data = join(folder.path, "phantoms");
    await runCaptured(["data", "phantom", data, ..."--train 4 --val 0 --test 0 --size 32".split(" ")]);
    const { exitCode, stderr } = await runCaptured([
      "bench",
      "data",
      "--data",
      data,
      "--batch-size",
      "3",
      "--steps",
      "2",
    ]);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: `fracture: ${data}: it has 4 pictures to train on, and 6 (batch size x steps) are to be measured with\n`,
    });
  });

  it("Ctrl-C ends it with 130, and the device is closed", async () => {
    const controller = new AbortController();
    controller.abort();
    const { exitCode, stdout, stderr } = await runCaptured(["bench", "gemm", "--sizes", "32"], {
      signal: controller.signal,
    });
    expect({ exitCode, stdout }).toEqual({ exitCode: 130, stdout: "" });
    expect(stderr).toMatch(/fracture: stopped\n$/);
  });
});

describeDevice("fracture doctor", (device) => {
  it("--json says what the device is, can do and how fast it is", async () => {
    const { exitCode, stdout, stderr } = await runCaptured(["doctor", "--json"]);
    expect(exitCode, stderr).toBe(0);
    const findings = JSON.parse(stdout) as Record<string, unknown>;
    expect(findings).toMatchObject({
      adapter: device().info.device,
      software: device().info.software,
      adapters: [{ device: device().info.device }],
      limits: { maxStorageBufferBindingSize: device().limits.maxStorageBindingBytes },
      matrices: device().limits.matrices,
      rates: {
        gemm: { gflop_per_s: expect.any(Number) },
        copy: { gbyte_per_s: expect.any(Number), upload_gbyte_per_s: expect.any(Number) },
      },
    });
  });
});
