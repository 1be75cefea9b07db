import type { nn, Shape } from "@fracture/tensor";
import { describe, expect, test } from "vitest";
import { WeightsError } from "./errors.ts";
import { identifyArchitecture } from "./identify.ts";
import { networkShapes } from "./testing/fixtures.ts";

const networks = networkShapes();

/** A state dict of names and shapes; elements play no part here. */
function stateOf(network: string, changes: Readonly<Record<string, Shape | null>> = {}): nn.StateDict {
  const shapes = Object.entries({ ...networks[network], ...changes }).filter(
    (pair): pair is [string, Shape] => pair[1] !== null,
  );
  return new Map(shapes.map(([name, shape]) => [name, { dtype: "f32", shape, data: new Float32Array() }]));
}

const failure = (state: nn.StateDict): WeightsError => {
  try {
    identifyArchitecture(state);
  } catch (error) {
    if (error instanceof WeightsError) return error;
    throw error;
  }
  throw new Error("it was identified");
};

describe("the architecture is read from names and shapes", () => {
  test.each(["resnet18", "resnet34", "resnet50", "resnet101", "resnet152"])("torchvision's %s", (name) => {
    expect(identifyArchitecture(stateOf(name))).toEqual({ architecture: name, classes: 1000 });
  });

  test("the number of classes is the head's", () => {
    const head = { "fc.weight": [2, 2048], "fc.bias": [2] };
    expect(identifyArchitecture(stateOf("resnet50", head))).toEqual({ architecture: "resnet50", classes: 2 });
  });

  test("a file older than num_batches_tracked is still known", () => {
    const state = new Map([...stateOf("resnet34")].filter(([name]) => !name.endsWith("num_batches_tracked")));
    expect(identifyArchitecture(state).architecture).toBe("resnet34");
  });
});

describe("what is none of the family is refused, saying why", () => {
  test.each([
    [
      "a block without its first convolution",
      new Map([...stateOf("resnet18")].filter(([name]) => name !== "layer1.0.conv1.weight")),
      /^not one of .*: layer1\.0\.conv1\.weight is missing$/,
    ],
    ["a wide ResNet", stateOf("wide_resnet50_2"), /blocks of 128 planes .* wide ResNet/],
    ["a ResNeXt", stateOf("resnext50_32x4d"), /blocks of 128 planes in groups of 4 .* ResNeXt/],
    ["grey pictures", stateOf("resnet18", { "conv1.weight": [64, 1, 7, 7] }), /pictures of 1 channels; 3 are wanted/],
    ["a small stem", stateOf("resnet18", { "conv1.weight": [64, 3, 3, 3] }), /conv1\.weight is \[64,3,3,3\]/],
    [
      "a deep stem",
      stateOf("resnet50", { "conv1.weight": null, "conv1.0.weight": [32, 3, 3, 3] }),
      /stem of three convolutions/,
    ],
    [
      "another number of blocks",
      stateOf("resnet18", { "layer3.2.conv1.weight": [256, 256, 3, 3] }),
      /2, 2, 3, 2 basic blocks/,
    ],
    [
      "a gap in the blocks",
      stateOf("resnet18", { "layer3.900.conv1.weight": [256, 256, 3, 3] }),
      /2, 2, NaN, 2 basic blocks/,
    ],
    ["no head", stateOf("resnet50", { "fc.weight": null }), /a resnet50 without its head/],
    [
      "a head of another width",
      stateOf("resnet50", { "fc.weight": [2, 512] }),
      /fc\.weight of this resnet50 is \[2,512\]/,
    ],
    [
      "another network",
      stateOf("", { "patch_embed.proj.weight": [768, 3, 16, 16] }),
      /it has "patch_embed\.proj\.weight"/,
    ],
    [
      "Hugging Face's names",
      stateOf("", { "resnet.embedder.embedder.convolution.weight": [64, 3, 7, 7] }),
      /Hugging Face transformers/,
    ],
  ])("%s", (_, state, message) => {
    const error = failure(state);
    expect(error).toMatchObject({ fault: "architecture", exitCode: 2 });
    expect(error.message).toMatch(message);
  });
});
