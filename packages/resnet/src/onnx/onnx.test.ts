import { describe, expect, it } from "vitest";
import type { nn } from "@fracture/tensor";
import { WeightsError } from "../weights/errors.ts";
import { byteLength, float, int, nested, piecesOf } from "./protobuf.ts";
import { ONNX_OPSETS, resnetOnnx, type ResNetOnnxOptions } from "./resnetOnnx.ts";

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

/** The names and shapes of a ResNet-18, in torch's layout; every value is zero. */
function zeros(classes: number): nn.StateDict {
  const state = new Map<string, nn.StateEntry>();
  const put = (name: string, ...shape: number[]): void =>
    void state.set(name, { dtype: "f32", shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) });
  const norm = (name: string, channels: number): void => {
    for (const part of ["weight", "bias", "running_mean", "running_var"]) put(`${name}.${part}`, channels);
    state.set(`${name}.num_batches_tracked`, { dtype: "i64", shape: [], data: BigInt64Array.of(1n) });
  };
  put("conv1.weight", 64, 3, 7, 7);
  norm("bn1", 64);
  let width = 64;
  for (const [i, planes] of [64, 128, 256, 512].entries())
    for (const block of [0, 1]) {
      const name = `layer${i + 1}.${block}`;
      put(`${name}.conv1.weight`, planes, width, 3, 3);
      norm(`${name}.bn1`, planes);
      put(`${name}.conv2.weight`, planes, planes, 3, 3);
      norm(`${name}.bn2`, planes);
      if (width !== planes) {
        put(`${name}.downsample.0.weight`, planes, width, 1, 1);
        norm(`${name}.downsample.1`, planes);
      }
      width = planes;
    }
  put("fc.weight", classes, width);
  put("fc.bias", classes);
  return state;
}
