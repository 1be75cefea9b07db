import { expect, test } from "vitest";
import { nn, sizeOf, type Device } from "@fracture/tensor";
import { describeDevice } from "@fracture/tensor/testing";
import { ResNet } from "../resnet.ts";
import { identifyArchitecture } from "./identify.ts";
import { loadWeights } from "./load.ts";
import { readSafetensors } from "./safetensors/read.ts";
import { writeSafetensors } from "./safetensors/write.ts";
import { networkShapes } from "./testing/fixtures.ts";

/** Two classes, made once: drawing 11 million random weights takes longer than all tests together. */
let network: ResNet | null = null;
const twoClasses = (device: Device): ResNet =>
  (network ??= new ResNet({ architecture: "resnet18", classes: 2, device, generator: new nn.Generator(2) }));

/** Weights with torchvision's names and shapes, every element different from its neighbours. */
function published(): Map<string, nn.StateEntry> {
  const shapes = Object.entries(networkShapes()["resnet18"]!);
  return new Map(
    shapes.map(([name, shape], n): [string, nn.StateEntry] =>
      name.endsWith("num_batches_tracked")
        ? [name, { dtype: "i64", shape, data: BigInt64Array.of(BigInt(n)) }]
        : [
            name,
            { dtype: "f32", shape, data: Float32Array.from({ length: sizeOf(shape) }, (_, i) => (i % 1013) + n / 256) },
          ],
    ),
  );
}

/** Largest difference of two entries' elements. */
const difference = (a: nn.StateEntry, b: nn.StateEntry): number => {
  let most = 0;
  for (const [i, value] of a.data.entries()) most = Math.max(most, Math.abs(Number(value) - Number(b.data[i])));
  return most;
};

describeDevice("loadWeights", (device) => {
  test("torchvision's names all fit, and come back in the same layout through a safetensors file", async () => {
    const network = new ResNet({ architecture: "resnet18", device: device(), generator: null });
    const state = published();
    expect(await loadWeights(network, state)).toEqual({ newHead: null });
    const { state: back } = readSafetensors(writeSafetensors(await network.stateDict()));
    expect([...back.keys()]).toEqual([...state.keys()]);
    expect([...back].filter(([name, entry]) => difference(entry, state.get(name)!) > 0)).toEqual([]);
    expect(identifyArchitecture(back)).toEqual({ architecture: "resnet18", classes: 1000 });
    network.dispose();
  });

  test("a head for other classes stays new and is announced; the rest is loaded", async () => {
    const network = twoClasses(device());
    const before = await network.stateDict((name) => name.startsWith("fc."));
    const state = published();
    expect(await loadWeights(network, state)).toEqual({ newHead: { classesInFile: 1000, classes: 2 } });
    const after = await network.stateDict();
    for (const name of ["fc.weight", "fc.bias"]) expect(difference(after.get(name)!, before.get(name)!)).toBe(0);
    for (const name of ["conv1.weight", "layer4.1.bn2.running_var"])
      expect(difference(after.get(name)!, state.get(name)!)).toBe(0);
  });

  test("any other mismatch fails with the whole list and changes nothing", async () => {
    const network = twoClasses(device());
    const state = published();
    state.set("conv1.weight", { dtype: "f32", shape: [64, 1, 7, 7], data: new Float32Array(64 * 49) });
    state.set("extra", { dtype: "f32", shape: [], data: Float32Array.of(0) });
    state.delete("layer1.0.bn1.weight");
    const before = await network.stateDict((name) => name === "bn1.bias");
    const error: unknown = await loadWeights(network, state).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(nn.StateDictError);
    expect(error).toMatchObject({
      missing: ["layer1.0.bn1.weight"],
      unexpected: ["extra"],
      mismatched: ["conv1.weight [64,1,7,7] instead of [64,3,7,7]"],
    });
    const after = await network.stateDict((name) => name === "bn1.bias");
    expect(difference(after.get("bn1.bias")!, before.get("bn1.bias")!)).toBe(0);
  });

  test("a head whose weight and bias disagree is a mismatch, not a new head", async () => {
    const network = twoClasses(device());
    const state = published();
    state.delete("fc.bias");
    await expect(loadWeights(network, state)).rejects.toThrow(/missing: fc\.bias\n {2}of another shape: fc\.weight/);
  });
});
