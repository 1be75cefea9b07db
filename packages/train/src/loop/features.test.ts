import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { describeDevice } from "@fracture/tensor/testing";
import { stageOf, testFit, tinyModel, toySamples, type ToySamples } from "../testing/fit.ts";
import { FeatureFiles } from "./featureFiles.ts";
import { fit } from "./fit.ts";

const root = mkdtempSync(join(tmpdir(), "fracture-features-"));
afterAll(() => rmSync(root, { recursive: true }));

const entries = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => statSync(join(folder, name)).isFile())
    : [];

describeDevice("features of frozen parts", (device) => {
  it("are kept from run to run: the second loads no picture and trains as the first, to the last bit", async () => {
    const folder = join(root, "kept");
    const model = tinyModel(device());
    const fresh = await model.stateDict();
    const train = async (samples: ToySamples): Promise<number[]> => {
      model.loadStateDict(fresh);
      const digest = (indices: readonly number[]): string => `${samples.labels.length} ${indices.join()}`;
      const featureFiles = new FeatureFiles(folder);
      const stages = [stageOf("all", 2, 1e-2)];
      const run = testFit({ device: device(), model, train: { ...samples, digest }, stages, featureFiles });
      await fit(run);
      return run.log.steps.map(({ loss }) => loss);
    };
    const first = toySamples(device(), 20);
    const losses = await train(first);
    expect(first.loads).toBe(20);
    expect(entries(folder)).toHaveLength(3); // batches of 8, 8 and 4
    const second = toySamples(device(), 20);
    expect(await train(second)).toEqual(losses);
    expect(second.loads).toBe(0);

    // A file that is damaged is computed again, and so is what other frozen weights give.
    const [damaged = ""] = entries(folder);
    const bytes = readFileSync(join(folder, damaged));
    bytes[100]! ^= 1;
    writeFileSync(join(folder, damaged), bytes);
    const third = toySamples(device(), 20);
    expect(await train(third)).toEqual(losses);
    expect([4, 8]).toContain(third.loads);
    fresh.get("layer2.0.conv1.weight")!.data[3] = 0.5;
    const other = toySamples(device(), 20);
    expect(await train(other)).not.toEqual(losses);
    expect(other.loads).toBe(20);
    // What is not of the frozen part makes no difference.
    fresh.get("fc.bias")!.data[0] = 0.5;
    const head = toySamples(device(), 20);
    await train(head);
    expect(head.loads).toBe(0);
    model.dispose();
    device().trim();
    expect(device().counts.live).toBe(0);
  });
});

it("features that take too much make room, what was not used for longest first; what is too large is not kept", async () => {
  const folder = join(root, "limited");
  const files = new FeatureFiles(folder, { mostBytes: 220 });
  const [a, b, c, d] = ["aa1", "bb2", "cc3", "dd4"] as const;
  await files.write(a, new Uint8Array(100));
  await files.write(b, new Uint8Array(100));
  const past = new Date(Date.now() - 60_000);
  for (const name of entries(folder)) utimesSync(join(folder, name), past, past);
  // Another process finds what this one left.
  const later = new FeatureFiles(folder, { mostBytes: 220 });
  expect(await later.read(a, 100)).toEqual(Buffer.alloc(100));
  await later.write(c, new Uint8Array(100));
  expect(await later.read(b, 100)).toBe(null);
  expect(await later.read(a, 100)).not.toBe(null);
  await later.write(d, new Uint8Array(221));
  expect([await later.read(d, 221), entries(folder).length]).toEqual([null, 2]);
});
