import { readFileSync } from "node:fs";
import { afterAll, beforeEach, expect, it } from "vitest";
import { ResNet } from "@fracture/resnet";
import { describeDevice } from "@fracture/tensor/testing";
import { formulaWeights, hashed } from "../testing/weights.ts";
import { CAM_LAYERS, GradCam, gradCam, layerFor, type CamLayer } from "./gradCam.ts";

const torch = JSON.parse(readFileSync(new URL("testdata/gradCam.json", import.meta.url), "utf8")) as {
  readonly size: number;
  readonly targets: readonly number[];
  readonly logits: readonly (readonly number[])[];
  /** [n, h, w] */
  readonly maps: Readonly<Partial<Record<CamLayer, readonly (readonly (readonly number[])[])[]>>>;
};
const { size, targets } = torch;

/** The script's pictures: blocks of 8 x 8 pixels. */
function blocks(): Float32Array[] {
  const side = size / 8;
  const numbers = hashed(targets.length * side * side * 3, 1000);
  return targets.map((_, n) =>
    Float32Array.from({ length: size * size * 3 }, (__, at) => {
      const [x, y] = [Math.floor(at / 3) % size, Math.floor(at / 3 / size)];
      return numbers[((n * side + (y >> 3)) * side + (x >> 3)) * 3 + (at % 3)]!;
    }),
  );
}

it("looks at the last layer whose map has seven cells a side, unless it is told another", () => {
  const sizes = [224, 193, 192, 128, 97, 96, 64, 49, 48, 32, 16];
  expect(sizes.map(layerFor)).toEqual([4, 4, 3, 3, 3, 2, 2, 2, 1, 1, 1].map((stage) => `layer${stage}`));
});

describeDevice("Grad-CAM", (device) => {
  let model: ResNet;
  beforeEach(async () => {
    if (model) return;
    model = new ResNet({ architecture: "resnet18", classes: 3, device: device(), generator: null });
    model.loadStateDict(await formulaWeights(device(), 3));
  });
  afterAll(() => model?.dispose());
  const distance = (found: Float32Array, expected: readonly number[]): number => {
    expect(found.length).toBe(expected.length);
    return Math.max(...expected.map((value, i) => Math.abs(value - found[i]!))) / Math.max(...expected);
  };

  it("agrees with torch's f64 to 1e-5 of the largest value, for each of three classes, whatever the batches", async () => {
    for (const batchSize of [2, 3]) {
      using cam = new GradCam({ device: device(), model, size, layer: "layer4", batchSize });
      const { logits, maps } = await cam.explain(blocks(), (_, i) => targets[i]!);
      expect(distance(logits, torch.logits.flat())).toBeLessThan(1e-5);
      for (const [i, map] of maps.entries()) {
        expect(map).toMatchObject({ layer: "layer4", class: targets[i], width: 2, height: 2 });
        expect(distance(map.values, torch.maps.layer4![i]!.flat())).toBeLessThan(1e-5);
      }
    }
  });

  it.each(["layer2", "layer3"] as const)(
    "through the blocks above %s it agrees with torch's f64 to 1e-5",
    async (layer) => {
      const { maps } = await gradCam(blocks(), { device: device(), model, size, layer, choose: (_, i) => targets[i]! });
      for (const [i, { values }] of maps.entries())
        expect(distance(values, torch.maps[layer]![i]!.flat())).toBeLessThan(1e-5);
    },
  );

  it("explains the class with the largest logit unless it is told another, a picture's map not depending on its neighbours", async () => {
    using cam = new GradCam({ device: device(), model, size, batchSize: 3 });
    const { maps } = await cam.explain(blocks());
    const largest = torch.logits.map((row) => row.indexOf(Math.max(...row)));
    expect(maps.map((map) => map.class)).toEqual(largest);
    const again = await cam.explain(blocks().toReversed());
    again.maps.toReversed().forEach(({ values }, i) => expect(values).toEqual(maps[i]!.values));
  });

  it("leaves the weights as they were: without a gradient, and wanting one", async () => {
    model.fc.bias!.requireGrad(false);
    await gradCam(blocks().slice(0, 1), { device: device(), model, size });
    const wanting = model.namedParameters().flatMap(([name, { requiresGrad }]) => (requiresGrad ? [] : [name]));
    expect(wanting).toEqual(["fc.bias"]);
    expect(model.parameters().every(({ grad }) => grad === null)).toBe(true);
    model.fc.bias!.requireGrad();
  });

  it("gives all of its memory back", async () => {
    const before = device().counts.live;
    await gradCam(blocks(), { device: device(), model, size, batchSize: 2 });
    expect(device().counts.live).toBe(before);
  });

  it("refuses a picture of another size and a class that there is not", async () => {
    using cam = new GradCam({ device: device(), model, size });
    await expect(cam.explain([new Float32Array(12)])).rejects.toThrow(`a picture of 12 values is none of 48 x 48 x 3`);
    await expect(cam.explain(blocks(), () => 3)).rejects.toThrow("there is no class 3 (the model has 3)");
    expect(CAM_LAYERS).not.toContain("avgpool");
  });
});
