import { readFileSync } from "node:fs";
import type * as Ort from "onnxruntime-web";
import { describe, expect, it } from "vitest";
import type { nn } from "@fracture/tensor";
import { ARCHITECTURES, type Architecture } from "../resnet.ts";
import { distance, hashState, pictures, type Prints } from "../testing/index.ts";
import { WeightsError } from "../weights/errors.ts";
import { networkShapes } from "../weights/testing/fixtures.ts";
import { byteLength, float, int, nested, piecesOf } from "./protobuf.ts";
import { ONNX_OPSETS, resnetOnnx, type ResNetOnnxOptions } from "./resnetOnnx.ts";

/** A development dependency; the portable archive goes without it. */
const runtime: typeof Ort | null = await import("onnxruntime-web").catch(() => null);

/** Made by ../testdata/trainSteps.py. */
const torch = JSON.parse(readFileSync(new URL("../testdata/trainSteps.json", import.meta.url), "utf8")) as {
  readonly size: number;
  readonly labels: readonly number[];
  readonly models: Readonly<Record<string, { readonly seed: number; readonly logits: Prints }>>;
};

const bytes = (...parts: Parameters<typeof piecesOf>): number[] => Array.from(Buffer.concat(piecesOf(...parts)));

describe("protobuf", () => {
  // The examples of protobuf.dev/programming-guides/encoding.
  it("writes integers in base 128, strings and messages with their length, and floats little-endian", () => {
    expect(bytes(int(1, 150))).toEqual([0x08, 0x96, 0x01]);
    expect(bytes(nested(2, "testing"))).toEqual([0x12, 0x07, ...Buffer.from("testing")]);
    expect(bytes(nested(3, int(1, 150)))).toEqual([0x1a, 0x03, 0x08, 0x96, 0x01]);
    expect(bytes(float(5, 1))).toEqual([0x2d, 0, 0, 0x80, 0x3f]);
  });

  it("holds lengths and field numbers of more than one digit, and bytes that are not ASCII", () => {
    expect(bytes(int(20, 2 ** 40))).toEqual([0xa0, 0x01, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20]);
    expect(bytes(nested(1, "ä".repeat(100))).slice(0, 5)).toEqual([0x0a, 0xc8, 0x01, 0xc3, 0xa4]);
  });

  it("joins small pieces and hands large ones on as they are", () => {
    const large = new Uint8Array(10_000).fill(7);
    const message = nested(1, [int(1, 1), large, int(2, 2)]);
    const pieces = piecesOf(message);
    expect(pieces.map((piece) => piece.length)).toEqual([5, 10_000, 2]);
    expect(pieces[1]).toBe(large);
    expect(byteLength(message)).toBe(10_007);
  });
});

describe("a ResNet as ONNX", () => {
  const options: ResNetOnnxOptions = { architecture: "resnet18", size: 64 };
  const file = (state: nn.StateDict, more: Partial<ResNetOnnxOptions> = {}): Buffer =>
    Buffer.concat(resnetOnnx(state, { ...options, ...more }));
  /** Nodes, names and metadata, without the large tensors between them. */
  const graphText = (state: nn.StateDict, more: Partial<ResNetOnnxOptions>): string => {
    const pieces = resnetOnnx(state, { ...options, ...more });
    return Buffer.concat(pieces.filter(({ length }) => length < 100_000)).toString();
  };

  it("names tensors as torchvision does, and the same content gives the same bytes", () => {
    const state = zeros(3);
    const text = graphText(state, { metadata: { classes: '["ä","b","c"]' } });
    for (const name of state.keys()) expect(text.includes(name), name).toBe(!name.endsWith(".num_batches_tracked"));
    for (const operator of ["BatchNormalization", "MaxPool", "GlobalAveragePool", "Flatten", "Gemm"])
      expect(text).toContain(operator);
    expect(text).toContain('["ä","b","c"]');
    expect(text).not.toContain("Softmax");
    expect(file(state).equals(file(zeros(3)))).toBe(true);
  });

  it.each(Object.keys(ARCHITECTURES) as Architecture[])("every tensor of a %s has its place", (architecture) => {
    expect(() => resnetOnnx(zeros(7, architecture), { architecture, size: 64 })).not.toThrow();
  });

  it("folds every batch norm into the convolution before it", () => {
    const text = graphText(zeros(3), { fold: true });
    expect(text).not.toContain("BatchNormalization");
    expect(text).toContain("layer4.1.conv2.bias");
  });

  it("copies no weights unless they are folded", () => {
    const state = zeros(3);
    const filters = state.get("layer4.1.conv2.weight")!.data;
    expect(resnetOnnx(state, options).some(({ buffer }) => buffer === filters.buffer)).toBe(true);
  });

  it.each([
    ["a tensor that is missing", ["layer2.0.bn1.weight", null], "layer2.0.bn1.weight is missing"],
    ["a tensor that is left over", ["layer5.w", [1]], '"layer5.w": no resnet18 has such tensors'],
    ["a shape that doesn't fit", ["bn1.bias", [63]], "bn1.bias is f32 [63], expected f32 [64]"],
    ["a head without its bias", ["fc.bias", [2]], "fc.bias is f32 [2], expected f32 [3]"],
  ] as const)("%s is refused by its name", (_, [name, shape], message) => {
    const state = new Map(zeros(3));
    if (shape) state.set(name, { dtype: "f32", shape, data: new Float32Array(shape[0]) });
    else state.delete(name);
    expect(() => file(state)).toThrow(WeightsError);
    expect(() => file(state)).toThrow(message);
  });

  it("an opset that is not known is refused", () => {
    expect(ONNX_OPSETS).toContain(17);
    expect(() => file(zeros(3), { opset: 12 })).toThrow("opset 12 is none of 13 to 22");
  });
});

describe.skipIf(runtime === null)("what ONNX Runtime makes of the file", () => {
  it.each([
    ["resnet18", { fold: true, opset: 22 }],
    ["resnet50", { opset: 13 }],
  ] as const)("the logits of a %s written with %o are torch's f64 to 1e-5", async (architecture, options) => {
    const { seed, logits } = torch.models[architecture]!;
    const [n, size] = [torch.labels.length, torch.size];
    const state = hashState(zeros(1000, architecture));
    const found = await run(resnetOnnx(state, { architecture, size, ...options }), pictures(n, size, seed), n, size);
    expect(found["logits"]!.dims).toEqual([n, 1000]);
    expect(distance(found["logits"]!.data as Float32Array, logits)).toBeLessThan(1e-5);
  });

  it("probabilities come first and are the softmax of logits / temperature, for one picture as for three", async () => {
    const state = hashState(zeros(3));
    const temperature = 1.7;
    const file = resnetOnnx(state, { architecture: "resnet18", size: 32, probabilities: { temperature } });
    const x = pictures(3, 32, 1);
    const found = await run(file, x, 3, 32);
    expect(Object.keys(found)).toEqual(["probabilities", "logits"]);
    const logits = [...(found["logits"]!.data as Float32Array)];
    for (const row of [0, 1, 2]) {
      const weights = logits.slice(3 * row, 3 * row + 3).map((logit) => Math.exp(logit / temperature));
      const total = weights.reduce((a, b) => a + b);
      weights.forEach((weight, c) => expect(found["probabilities"]!.data[3 * row + c]).toBeCloseTo(weight / total, 6));
    }
    const alone = await run(file, x.slice(0, 32 * 32 * 3), 1, 32);
    expect(alone["logits"]!.dims).toEqual([1, 3]);
    (alone["logits"]!.data as Float32Array).forEach((logit, c) => expect(logit).toBeCloseTo(logits[c]!, 5));
  });
});

/** Runs a file on pictures [n, size, size, 3]. */
async function run(
  file: readonly Uint8Array[],
  x: Float32Array,
  n: number,
  size: number,
): Promise<Ort.InferenceSession.OnnxValueMapType & Record<string, Ort.Tensor>> {
  const { InferenceSession, Tensor, env } = runtime!;
  env.wasm.numThreads = 1;
  const session = await InferenceSession.create(Buffer.concat(file), { executionProviders: ["wasm"] });
  const planes = Float32Array.from(x, (_, i) => {
    const [image, plane, pixel] = [
      Math.floor(i / (3 * size * size)),
      Math.floor(i / (size * size)) % 3,
      i % (size * size),
    ];
    return x[3 * (image * size * size + pixel) + plane]!;
  });
  const outputs = await session.run({ images: new Tensor("float32", planes, [n, 3, size, size]) });
  await session.release();
  return outputs as Awaited<ReturnType<typeof run>>;
}

/** The names and shapes of a network, in torch's layout and order; every value is zero. */
function zeros(classes: number, architecture: Architecture = "resnet18"): nn.StateDict {
  const entries = Object.entries(networkShapes()[architecture]!).map(([name, shape]): [string, nn.StateEntry] => {
    if (name.endsWith("num_batches_tracked")) return [name, { dtype: "i64", shape, data: BigInt64Array.of(1n) }];
    const own = name.startsWith("fc.") ? [classes, ...shape.slice(1)] : shape;
    return [name, { dtype: "f32", shape: own, data: new Float32Array(own.reduce((a, b) => a * b, 1)) }];
  });
  return new Map(entries);
}
