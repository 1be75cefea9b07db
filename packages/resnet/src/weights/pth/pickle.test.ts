import { describe, expect, test } from "vitest";
import { WeightsError } from "../errors.ts";
import { parseWeights } from "../readWeights.ts";
import { bytesOf, floats, pickle as p, u32, u64, zipPth, type Bytes } from "../testing/build.ts";

const failure = (bytes: Bytes): WeightsError => {
  try {
    parseWeights(bytes);
  } catch (error) {
    if (error instanceof WeightsError) return error;
    throw error;
  }
  throw new Error("it was read");
};

const MAGIC = bytesOf(0x80, 2, 0x8a, 10, [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19], ".");
const legacy = (object: Bytes, ...rest: readonly Bytes[]): Bytes =>
  bytesOf(MAGIC, p.whole(p.int(1001)), p.whole(bytesOf("}")), p.whole(object), ...rest);
const system = p.call(p.global("posix", "system"), p.text("touch /tmp/fracture-was-here"));

describe("a pickle that wants to run something is refused, naming it", () => {
  test.each([
    ["in the zip container", zipPth(system)],
    ["deep inside a state dict", zipPth(p.dict(["a", p.list(p.tuple(system))]))],
    ["in the pickle stream", legacy(system)],
    ["before the magic number", bytesOf(p.whole(system))],
    ["in protocol 0", bytesOf("cposix\nsystem\n(S'id'\ntR.")],
    ["in a dict of protocol 0", bytesOf("(dp0\nVa\np1\ncposix\nsystem\np2\n(Vid\np3\ntp4\nRp5\ns.")],
    ["in a dict of protocol 1", bytesOf("}q\0", p.text("a"), "q\x01cposix\nsystem\nq\x02(", p.text("id"), "tRs.")],
    ["by STACK_GLOBAL", zipPth(bytesOf(0x8c, 5, "posix", 0x8c, 6, "system", 0x93))],
    ["by INST", zipPth(bytesOf("(", p.text("id"), "iposix\nsystem\n"))],
    ["as a persistent id", zipPth(bytesOf(system, "Q"))],
  ])("%s", (_, bytes) => {
    const error = failure(bytes);
    expect(error).toMatchObject({ fault: "unsafe", exitCode: 2 });
    expect(error.message).toContain('the Python object "posix.system"');
    expect(error.message).toContain("Nothing was run");
  });

  test.each([
    ["builtins", "eval"],
    ["torch", "load"],
    ["torch.storage", "_load_from_bytes"],
    ["torch._utils", "_rebuild_sparse_tensor"],
    ["collections", "defaultdict"],
    ["collections.OrderedDict", "fromkeys"],
    ["__proto__", "constructor"],
    ["torchvision.models.resnet", "ResNet"],
  ])("%s.%s", (module, name) => {
    expect(failure(zipPth(p.global(module, name)))).toMatchObject({ fault: "unsafe" });
  });

  test("names with control characters don't reach the terminal", () => {
    const { message } = failure(zipPth(p.global("os\x1b[2J", "system")));
    expect(message).toContain("\\u001b[2J.system");
    expect(message).not.toContain("\x1b");
  });

  test("a storage type can't be called, and nothing but dicts and tensors takes a state", () => {
    expect(failure(zipPth(p.call(p.global("torch", "FloatStorage"))))).toMatchObject({ fault: "unsafe" });
    expect(failure(zipPth(bytesOf(p.list(), p.dict(), "b")))).toMatchObject({ fault: "unsafe" });
    expect(failure(zipPth(bytesOf(0x82, 7)))).toMatchObject({ fault: "unsafe" });
  });
});

describe("a pickle that is broken", () => {
  test.each([
    ["stops with an empty stack", bytesOf(), "corrupt"],
    ["takes more than there is", bytesOf("R"), "corrupt"],
    ["takes what lies below a mark", bytesOf("}(", "K", 1, "K", 2, "0", "0", "b"), "corrupt"],
    ["has a mark too many", bytesOf("(}"), "corrupt"],
    ["has no mark", bytesOf("}u"), "corrupt"],
    ["appends to a dict", bytesOf("}K", 1, "a"), "corrupt"],
    ["has a key without a value", bytesOf("}(K", 1, "u"), "corrupt"],
    ["recalls what was never kept", bytesOf("h", 3), "corrupt"],
    ["has an unknown instruction", bytesOf(0xff), "corrupt"],
    ["has text that is not UTF-8", bytesOf("X", u32(1), 0xff), "corrupt"],
    ["has text longer than the file", bytesOf("X", u32(0xffffffff), "a"), "truncated"],
    ["has a length beyond 2^53", bytesOf(0x8d, [255, 255, 255, 255, 255, 255, 255, 255]), "corrupt"],
    ["has an integer of a gigabyte", bytesOf(0x8b, u32(2 ** 30)), "corrupt"],
    ["is of a protocol to come", bytesOf(0x80, 9), "unsupported"],
  ] as const)("%s", (_, object, fault) => {
    expect(failure(zipPth(object))).toMatchObject({ fault });
  });

  test("endless instructions are stopped by their number", () => {
    expect(failure(zipPth(new Uint8Array(1_100_000).fill("N".charCodeAt(0))))).toMatchObject({ fault: "limit" });
  });

  test("a dict that contains itself, and a dict in a dict a thousand times, end in an error", () => {
    const itself = bytesOf("}q", 0, p.text("model"), "h", 0, "s");
    expect(failure(zipPth(itself))).toMatchObject({ fault: "content" });
    let nested = bytesOf("}");
    for (let i = 0; i < 200; i++) nested = p.dict(["state_dict", nested]);
    expect(failure(zipPth(nested))).toMatchObject({ fault: "content" });
  });
});

describe("tensors are checked against their storage", () => {
  const storage = p.storage("FloatStorage", "0", 4);
  const withTensor = (size: readonly number[], stride: readonly number[], offset = 0, elements = floats(1, 2, 3, 4)) =>
    zipPth(p.dict(["w", p.tensor(storage, size, stride, offset)]), { 0: elements });
  const read = (bytes: Bytes) => [...parseWeights(bytes).state.get("w")!.data];

  test("offsets and strides are honoured", () => {
    expect(read(withTensor([2, 2], [1, 2]))).toEqual([1, 3, 2, 4]);
    expect(read(withTensor([2], [2], 1))).toEqual([2, 4]);
    expect(read(withTensor([3, 2], [0, 3]))).toEqual([1, 4, 1, 4, 1, 4]);
    expect(read(withTensor([], [], 3))).toEqual([4]);
  });

  test.each([
    ["an offset outside", [1], [1], 4],
    ["a size outside", [5], [1], 0],
    ["a stride outside", [2, 2], [3, 1], 0],
    ["a product that overflows 2^64", [2 ** 40, 2 ** 40], [2 ** 40, 1], 0],
    ["a stride that overflows", [3], [2 ** 52], 0],
    ["an offset that overflows", [2], [1], 2 ** 53 - 1],
    ["fewer strides than sizes", [2, 2], [1], 0],
  ])("%s is refused", (_, size, stride, offset) => {
    expect(failure(withTensor(size, stride, offset))).toMatchObject({ fault: "corrupt" });
  });

  test("stride 0 over 10^12 elements allocates nothing", () => {
    const error = failure(withTensor([10 ** 6, 10 ** 6], [0, 0]));
    expect(error).toMatchObject({ fault: "limit" });
    expect(error.message).toContain("more than its size justifies");
  });

  test("many tensors that each copy one storage are stopped in sum", () => {
    const big = p.storage("FloatStorage", "0", 2 ** 18);
    const pairs = Array.from(
      { length: 40 },
      (_, i) => [`w${i}`, p.tensor(big, [2 ** 9, 2 ** 9], [1, 2 ** 9])] as const,
    );
    const bytes = zipPth(p.dict(...pairs), { 0: new Uint8Array(2 ** 20) });
    expect(failure(bytes)).toMatchObject({ fault: "limit" });
  });

  test("sizes that are negative, fractions or no numbers are refused", () => {
    const sized = (size: Bytes) =>
      p.call(p.global("torch._utils", "_rebuild_tensor"), storage, p.int(0), size, p.ints(1));
    const minusOne = p.tuple(bytesOf("J", u32(0xffffffff)));
    for (const size of [
      minusOne,
      p.tuple(bytesOf("G", [0x3f, 0xe0, 0, 0, 0, 0, 0, 0])),
      p.tuple(p.text("2")),
      p.text("2"),
    ])
      expect(failure(zipPth(p.dict(["w", sized(size)]), { 0: floats(1, 2, 3, 4) }))).toMatchObject({
        fault: "corrupt",
      });
  });

  test("a storage that is shorter than it says, or missing, is refused", () => {
    expect(failure(withTensor([4], [1], 0, floats(1, 2)))).toMatchObject({ fault: "corrupt" });
    expect(failure(zipPth(p.dict(["w", p.tensor(storage, [4], [1])])))).toMatchObject({ fault: "truncated" });
    const huge = p.storage("FloatStorage", "0", 2 ** 52);
    expect(failure(zipPth(p.dict(["w", p.tensor(huge, [1], [1])]), { 0: floats(1) }))).toMatchObject({
      fault: "corrupt",
    });
  });

  test("elements of types that a network doesn't have are refused by name", () => {
    const complex = zipPth(p.dict(["w", p.tensor(p.storage("ComplexFloatStorage", "0", 1), [1], [1])]), {
      0: floats(1, 2),
    });
    expect(failure(complex).message).toContain('"torch.ComplexFloatStorage"');
  });

  test("big-endian files are turned round", () => {
    const bytes = zipPth(
      p.dict(["w", p.tensor(p.storage("FloatStorage", "0", 2), [2], [1])]),
      { 0: floats(1.5, -2).reverse() },
      { byteorder: bytesOf("big") },
    );
    expect(read(bytes)).toEqual([-2, 1.5]);
    const odd = zipPth(p.dict(), {}, { byteorder: bytesOf("middle") });
    expect(failure(odd).message).toContain('a byte order "middle"');
  });

  test("two names over one storage share its memory", () => {
    const bytes = zipPth(p.dict(["a", p.tensor(storage, [2], [1])], ["b", p.tensor(storage, [4], [1])]), {
      0: floats(1, 2, 3, 4),
    });
    const { state } = parseWeights(bytes);
    expect(state.get("a")!.data.buffer).toBe(state.get("b")!.data.buffer);
  });
});

describe("the pickle stream's storages", () => {
  const ref = (count: number, view: Bytes = bytesOf("N")) =>
    bytesOf(
      p.tuple(p.text("storage"), p.global("torch", "FloatStorage"), p.text("k"), p.text("cpu"), p.int(count), view),
      "Q",
    );
  const state = (storage: Bytes, size: number) => p.dict(["w", p.tensor(storage, [size], [1])]);
  const keys = p.whole(p.list(p.text("k")));

  test("a view into another storage begins at its offset", () => {
    const view = p.tuple(p.text("v"), p.int(1), p.int(2));
    const bytes = legacy(state(ref(3, view), 2), keys, bytesOf(u64(3)), floats(1, 2, 3));
    expect([...parseWeights(bytes).state.get("w")!.data]).toEqual([2, 3]);
    const outside = p.tuple(p.text("v"), p.int(2), p.int(2));
    expect(failure(legacy(state(ref(3, outside), 1), keys, bytesOf(u64(3)), floats(1, 2, 3)))).toMatchObject({
      fault: "corrupt",
    });
  });

  test.each([
    ["cut off inside the elements", legacy(state(ref(2), 2), keys, bytesOf(u64(2)), floats(1)), "truncated"],
    ["with another count than the pickle says", legacy(state(ref(2), 2), keys, bytesOf(u64(1)), floats(1)), "corrupt"],
    ["with a storage that is never listed", legacy(state(ref(2), 2), p.whole(p.list())), "truncated"],
    ["with a key that nothing refers to", legacy(p.dict(), keys, bytesOf(u64(0))), "corrupt"],
    ["with another version", bytesOf(MAGIC, p.whole(p.int(1002))), "unsupported"],
    ["without the magic number", p.whole(p.int(1)), "format"],
  ] as const)("%s is refused", (_, bytes, fault) => {
    expect(failure(bytes)).toMatchObject({ fault });
  });
});

describe("tensors of torch 0.1", () => {
  const storage = p.storage("FloatStorage", "0", 4);
  const file = (tensor: Bytes) => zipPth(p.dict(["w", tensor]), { 0: floats(1, 2, 3, 4) });
  const empty = p.call(p.global("torch", "FloatTensor"));

  test("a tensor's state is its storage, offset, size and stride", () => {
    const state = p.tuple(storage, p.int(1), p.ints(2), p.ints(1));
    expect([...parseWeights(file(bytesOf(empty, state, "b"))).state.get("w")!.data]).toEqual([2, 3]);
  });

  test("a Variable's state begins with its data", () => {
    const none = bytesOf("N");
    const state = p.tuple(p.tensor(storage, [2], [1]), none, none, none, none);
    const variable = bytesOf(p.global("torch.nn.parameter", "Parameter"), ")", 0x81, state, "b");
    expect([...parseWeights(file(variable)).state.get("w")!.data]).toEqual([1, 2]);
  });
});

describe("what is around a state dict", () => {
  const tensor = p.tensor(p.storage("FloatStorage", "0", 1), [1], [1]);
  const read = (object: Bytes) => parseWeights(zipPth(object, { 0: floats(7) }));

  test("wrappers are taken off, in any depth that programs use", () => {
    const { state, unwrapped } = read(
      p.dict(["epoch", p.int(3)], ["model", p.dict(["state_dict", p.dict(["module._orig_mod.w", tensor])])]),
    );
    expect([...state.keys()]).toEqual(["w"]);
    expect(unwrapped).toEqual(["model", "state_dict", "module.", "_orig_mod."]);
  });

  test("a prefix that only some names have stays", () => {
    expect([...read(p.dict(["module.a", tensor], ["b", tensor])).state.keys()]).toEqual(["module.a", "b"]);
  });

  test.each([
    ["a tensor alone", tensor, /instead of a state dict/],
    ["no tensors", p.dict(["lr", p.int(1)]), /no tensors in it: "lr" \(1\)/],
    [
      "tensors among other things",
      p.dict(["w", tensor], ["epoch", p.int(3)]),
      /it also holds other things: "epoch" \(3\)/,
    ],
  ])("%s is refused", (_, object, message) => {
    const error = failure(zipPth(object, { 0: floats(7) }));
    expect(error).toMatchObject({ fault: "content" });
    expect(error.message).toMatch(message);
  });
});
