import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { conv2dGeometry, conv2dKey, planConv2dForward, resnetConvShapes, type Candidate } from "@fracture/kernels";
import { describeDevice } from "@fracture/tensor/testing";
import { expect, it } from "vitest";
import { CheckError } from "../exitCodes.ts";
import { Progress } from "../output/progress.ts";
import { runCaptured } from "../testing/captured.ts";
import { temporaryFolder } from "../testing/temporaryFolder.ts";
import { tunedContent, tunedPath } from "../tuning/cacheFile.ts";
import { loadTuning } from "../tuning/tuning.ts";
import { convProduct, matmulProduct, measureProduct } from "./products.ts";
import { productsOf, tuneRows } from "./tune.ts";

const GEOMETRY = conv2dGeometry({ n: 1, h: 7, w: 9, c: 8, k: 12, r: 3, s: 3, padding: 1 });
const MEASURING = { warmUp: 0, repeats: 1, signal: new AbortController().signal };
const silent = (): Progress => new Progress({ write: () => {}, isTTY: false, columns: 80 });

it("a network's products are its convolutions' but for the first one's input gradient, and its head's, each once", async () => {
  const options = { arch: "resnet18", size: 64, batchSize: 2, classes: 3, dtype: "f32" } as const;
  const keys = (await productsOf(options)).map(({ key }) => key);
  const convolutions = resnetConvShapes({ block: "basic", layers: [2, 2, 2, 2] }, 64, 2);
  expect(convolutions.reduce((sum, { count }) => sum + count, 0)).toBe(20);
  expect(keys).toHaveLength(3 * convolutions.length - 1 + 3);
  expect(new Set(keys).size).toBe(keys.length);
  expect(keys.filter((key) => key.includes("7x7"))).toEqual([
    conv2dKey("forward", convolutions[0]!.geometry),
    conv2dKey("gradWeight", convolutions[0]!.geometry),
  ]);
});

describeDevice("tuning", (device) => {
  it("a choice is what a plan then takes, and its result differs by rounding alone", async () => {
    for (const product of [
      convProduct("forward", GEOMETRY),
      matmulProduct({ m: 17, n: 33, k: 20, transposeB: true }),
    ]) {
      const [rule, other] = product.candidates(device().limits); // of each kernel its own tests run all
      expect(product.plan(device().limits)).toEqual(rule!.plan);
      const chosen = product.plan({ ...device().limits, choices: { [product.key]: other!.variant } });
      expect(chosen).toEqual(other!.plan);
      const { largest_error } = await measureProduct(device(), product, MEASURING, chosen);
      expect(largest_error).toBeLessThan(1e-5);
    }
  });

  it("a choice that this device does not have leaves the plan to its rule, and another batch takes the same one", () => {
    const { limits } = device();
    const key = conv2dKey("forward", GEOMETRY);
    const byRule = planConv2dForward(GEOMETRY, limits);
    expect(planConv2dForward(GEOMETRY, { ...limits, choices: { [key]: "of another version" } })).toEqual(byRule);
    const variant = convProduct("forward", GEOMETRY).candidates(limits).at(-1)!.variant;
    const wgsl = (n: number): string =>
      planConv2dForward({ ...GEOMETRY, n }, { ...limits, choices: { [key]: variant } }).passes.at(-1)!.wgsl;
    expect(wgsl(5)).toBe(wgsl(1));
    expect(wgsl(1)).not.toBe(byRule.passes.at(-1)!.wgsl);
  });

  it("finds the one that is much faster, and leaves out one whose result is wrong", async () => {
    const product = matmulProduct({ m: 128, n: 128, k: 128 });
    const [good] = product.candidates(device().limits);
    const { plan } = good!;
    // Computes the same many times over, and nothing at all.
    const slow: Candidate = { variant: "slow", plan: { ...plan, passes: Array(40).fill(plan.passes).flat() } };
    const wrong: Candidate = { variant: "wrong", plan: { ...plan, passes: [] } };
    const tuned = await tuneRows(
      device(),
      [{ ...product, candidates: () => [slow, good!, wrong] }],
      { ...MEASURING, repeats: 3 },
      silent(),
    );
    expect(tuned[0]).toMatchObject({ name: product.key, rule: "slow", variant: good!.variant });
    expect(tuned[0]!.median_ms).toBeLessThan(tuned[0]!.rule_ms);
    const none = tuneRows(device(), [{ ...product, candidates: () => [wrong, good!] }], MEASURING, silent());
    await expect(none).rejects.toThrow(CheckError);
  });

  it("the command keeps what it found, over what was there, and a later command that finds the file damaged says so", async () => {
    using folder = temporaryFolder();
    const env = { FRACTURE_CACHE: folder.path };
    const shapes = join(folder.path, "shapes.json");
    const { info } = device();
    const file = tunedPath(info, env);
    writeFileSync(shapes, JSON.stringify([{ n: 1, h: 5, w: 5, c: 4, k: 4, r: 1, s: 1 }]));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, tunedContent(info, { before: "rows" }, new Date()));
    const argv = ["bench", "tune", "--shapes", shapes, "--repeat", "1", "--warm-up", "0", "--json"];
    const { exitCode: tuned, stdout, stderr: said } = await runCaptured(argv, { env });
    expect(tuned, said).toBe(0);
    expect(said).toContain(`fracture: kept in ${file}\n`);
    const { rows } = JSON.parse(stdout) as { rows: { name: string; variant: string }[] };
    expect(rows).toHaveLength(3);
    const choices = { before: "rows", ...Object.fromEntries(rows.map(({ name, variant }) => [name, variant])) };
    expect((await loadTuning(info, env)).choices).toEqual(choices);
    writeFileSync(file, "{");
    const { exitCode, stderr } = await runCaptured(["bench", "gemm", "--sizes", "8", "--repeat", "1"], { env });
    expect(exitCode).toBe(0);
    expect(stderr).toContain(`fracture: measured choices are left out: ${file}: it is not JSON`);
  });
});
