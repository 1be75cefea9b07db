import type { nn } from "@fracture/tensor";
import { describe, expect, test } from "vitest";
import { WeightsError } from "../errors.ts";
import { parseWeights } from "../readWeights.ts";
import { bytesOf, floats, safetensorsOf, u64, type Bytes } from "../testing/build.ts";
import { asStored, fixture } from "../testing/fixtures.ts";
import { readSafetensors } from "./read.ts";
import { safetensorsPieces, writeSafetensors } from "./write.ts";

const failure = (bytes: Bytes): WeightsError => {
  try {
    readSafetensors(bytes);
  } catch (error) {
    if (error instanceof WeightsError) return error;
    throw error;
  }
  throw new Error("it was read");
};

const f32 = (shape: readonly number[], begin: number, end: number) => ({
  dtype: "F32",
  shape,
  data_offsets: [begin, end],
});

describe("a hostile header is refused with a typed error", () => {
  const data = floats(1, 2);
  test.each([
    ["a length beyond the file", bytesOf(u64(1000), "{}"), "truncated"],
    ["a length of exabytes", bytesOf([255, 255, 255, 255, 255, 255, 255, 127], "{}"), "corrupt"],
    ["a length beyond the limit", bytesOf(u64(2 ** 30), "{}"), "limit"],
    ["no JSON", safetensorsOf('{"a":'), "corrupt"],
    ["JSON with something behind it", safetensorsOf("{} {}"), "corrupt"],
    ["an array", safetensorsOf("[]"), "corrupt"],
    ["text that is not UTF-8", bytesOf(u64(3), "{", 0xff, "}"), "corrupt"],
    ["deep nesting", safetensorsOf(`{"a":${"[".repeat(10_000)}`), "corrupt"],
    ["a million empty objects", safetensorsOf(`{"a":[${"{},".repeat(1_000_000)}{}]}`), "limit"],
    ["a name of megabytes without an end", safetensorsOf(`{"${"a".repeat(5_000_000)}`), "corrupt"],
    ["megabytes of blanks", safetensorsOf(`{${" ".repeat(5_000_000)}`), "corrupt"],
    [
      "a name twice",
      safetensorsOf(
        '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
        data,
      ),
      "corrupt",
    ],
    [
      "a field twice",
      safetensorsOf('{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}', data),
      "corrupt",
    ],
    ["elements that overlap", safetensorsOf({ a: f32([2], 0, 8), b: f32([1], 4, 8) }, data), "corrupt"],
    ["elements twice", safetensorsOf({ a: f32([2], 0, 8), b: f32([2], 0, 8) }, data), "corrupt"],
    ["a gap", safetensorsOf({ a: f32([1], 4, 8) }, data), "corrupt"],
    ["bytes behind the last tensor", safetensorsOf({ a: f32([1], 0, 4) }, data), "corrupt"],
    ["elements behind the end", safetensorsOf({ a: f32([3], 0, 12) }, data), "truncated"],
    ["offsets the wrong way round", safetensorsOf({ a: f32([2], 8, 0) }, data), "corrupt"],
    ["a shape that doesn't match", safetensorsOf({ a: f32([3], 0, 8) }, data), "corrupt"],
    ["a shape that overflows 64 bits", safetensorsOf({ a: f32([2 ** 33, 2 ** 33, 2], 0, 8) }, data), "corrupt"],
    ["a shape that overflows to zero", safetensorsOf({ a: f32([2 ** 32, 2 ** 32], 0, 0) }), "corrupt"],
    ["a negative size", safetensorsOf({ a: f32([-1, -2], 0, 8) }, data), "corrupt"],
    ["a size that is a fraction", safetensorsOf({ a: f32([1.5], 0, 6) }, data), "corrupt"],
    [
      "a size beyond 2^53",
      safetensorsOf('{"a":{"dtype":"F32","shape":[1e300],"data_offsets":[0,8]}}', data),
      "corrupt",
    ],
    [
      "an unknown dtype",
      safetensorsOf({ a: { dtype: "F8_E4M3", shape: [8], data_offsets: [0, 8] } }, data),
      "unsupported",
    ],
    [
      "a dtype called constructor",
      safetensorsOf({ a: { dtype: "constructor", shape: [8], data_offsets: [0, 8] } }, data),
      "unsupported",
    ],
    ["no dtype", safetensorsOf({ a: { shape: [2], data_offsets: [0, 8] } }, data), "unsupported"],
    ["no shape", safetensorsOf({ a: { dtype: "F32", data_offsets: [0, 8] } }, data), "corrupt"],
    ["a tensor that is a number", safetensorsOf({ a: 3 }), "corrupt"],
    ["metadata that isn't text", safetensorsOf({ __metadata__: { epoch: 3 } }), "corrupt"],
    ["metadata that is a list", safetensorsOf({ __metadata__: ["a"] }), "corrupt"],
  ] as const)("%s", (_, bytes, fault) => {
    expect(failure(bytes)).toMatchObject({ fault, exitCode: 2 });
  });

  test("the name of the duplicate is in the message", () => {
    expect(failure(safetensorsOf('{"conv1":{},"conv1":{}}')).message).toContain('the name "conv1" twice');
  });

  test("names such as __proto__ are names", () => {
    const { state, metadata } = readSafetensors(
      safetensorsOf(
        '{"__metadata__":{"__proto__":"x"},"__proto__":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}',
        floats(5),
      ),
    );
    expect([...state.get("__proto__")!.data]).toEqual([5]);
    expect(Object.entries(metadata)).toEqual([["__proto__", "x"]]);
  });

  test("a header whose length looks like the beginning of a pickle is no pickle", () => {
    for (const length of [0x80, 0x280, 0x463, 0x4028]) {
      const header = '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'.padEnd(length, " ");
      expect(parseWeights(safetensorsOf(header, floats(3))).format).toBe("safetensors");
    }
  });

  test("elements at an odd address are read as well", () => {
    const text = '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}} ';
    expect([...readSafetensors(safetensorsOf(text, floats(1, 2))).state.get("a")!.data]).toEqual([1, 2]);
  });
});

describe("what is written", () => {
  const state: nn.StateDict = new Map<string, nn.StateEntry>([
    ["conv1.weight", { dtype: "f32", shape: [1, 3], data: Float32Array.of(1, -0, Number.NaN) }],
    ["bn1.num_batches_tracked", { dtype: "i64", shape: [], data: BigInt64Array.of(-(2n ** 62n)) }],
    ["empty", { dtype: "f32", shape: [0, 5], data: new Float32Array() }],
    ['odd "name" ü', { dtype: "f32", shape: [1], data: Float32Array.of(2).subarray(0, 1) }],
  ]);
  const metadata = { model: "resnet50", classes: '["a","b"]', note: "grün" };

  test("is read back with the same names, order, bits and metadata", () => {
    const back = readSafetensors(writeSafetensors(state, metadata));
    expect([...back.state]).toEqual([...state]);
    expect(back.metadata).toEqual(metadata);
  });

  test("is the same bytes whatever the order of the metadata, whole or in pieces", () => {
    const { note, ...others } = metadata;
    const file = writeSafetensors(state, metadata);
    expect(Buffer.concat(safetensorsPieces(state, { note, ...others })).equals(file)).toBe(true);
  });

  test("puts every tensor at a multiple of its element size", () => {
    const file = writeSafetensors(state);
    const { state: back } = readSafetensors(file);
    // A view of the file means that it was aligned.
    for (const { data } of back.values()) expect(data.buffer).toBe(file.buffer);
  });

  test("follows the format: length, JSON filled up to 8 bytes, elements", () => {
    const file = writeSafetensors(new Map([["a", { dtype: "f32", shape: [1], data: Float32Array.of(1) } as const]]), {
      k: "v",
    });
    const json = '{"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}';
    const padded = json.padEnd(Math.ceil(json.length / 8) * 8, " ");
    expect(file).toEqual(bytesOf(u64(padded.length), padded, floats(1)));
  });

  test("floats can be stored in half the space: what f16 holds comes back exactly, the rest to 11 bits", () => {
    const data = Float32Array.of(1, -0, 0.1, 65504, 2 ** -24, 1e-9);
    const halved = new Map<string, nn.StateEntry>([...state, ["w", { dtype: "f32", shape: [2, 3], data }]]);
    const pieces = safetensorsPieces(halved, metadata, { floats: "f16" });
    const back = readSafetensors(Uint8Array.from(Buffer.concat(pieces)));
    expect(back.metadata).toEqual(metadata);
    expect([...back.state.keys()]).toEqual([...halved.keys()]);
    expect(back.state.get("bn1.num_batches_tracked")).toEqual(state.get("bn1.num_batches_tracked"));
    expect([...back.state.get("w")!.data]).toEqual([1, -0, 0.0999755859375, 65504, 2 ** -24, 0]);
    expect([...back.state.get("conv1.weight")!.data]).toEqual([1, -0, NaN]);
  });

  test("a number beyond f16 is refused with its tensor, not made infinite", () => {
    const large = new Map([["w", { dtype: "f32", shape: [1], data: Float32Array.of(65520) } as const]]);
    expect(() => safetensorsPieces(large, {}, { floats: "f16" })).toThrow(
      'tensor "w" holds 65520, more than f16 can (65504)',
    );
  });

  test("a file of torch's becomes a safetensors file of the same values", () => {
    const { state: read } = parseWeights(fixture("legacy.pth"));
    expect(asStored(readSafetensors(writeSafetensors(read)).state)).toEqual(asStored(read));
  });

  test.each([
    [
      "elements that don't match the shape",
      new Map([["a", { dtype: "f32", shape: [2], data: Float32Array.of(1) } as const]]),
      {},
    ],
    [
      "the reserved name",
      new Map([["__metadata__", { dtype: "f32", shape: [], data: Float32Array.of(1) } as const]]),
      {},
    ],
    ["half a surrogate pair", new Map(), { key: "\ud800" }],
  ])("%s can't be written", (_, wrong: nn.StateDict, about) => {
    expect(() => writeSafetensors(wrong, about)).toThrow(WeightsError);
  });
});
