import { describe, expect, test } from "vitest";
import { WeightsError } from "../errors.ts";
import { parseWeights } from "../readWeights.ts";
import { bytesOf, floats, pickle as p, zipOf, type Bytes, type MemberOptions } from "../testing/build.ts";
import { fixture } from "../testing/fixtures.ts";

const failure = (bytes: Bytes): WeightsError => {
  try {
    parseWeights(bytes);
  } catch (error) {
    if (error instanceof WeightsError) return error;
    throw error;
  }
  throw new Error("it was read");
};

const PICKLE = p.whole(p.dict(["w", p.tensor(p.storage("FloatStorage", "0", 2), [2], [1])]));
const archive = (options: MemberOptions = {}, whole: Parameters<typeof zipOf>[1] = {}): Bytes =>
  zipOf(
    [
      ["x/data.pkl", PICKLE, options],
      ["x/data/0", floats(1, 2), options],
    ],
    whole,
  );
const read = (bytes: Bytes) => [...parseWeights(bytes).state.get("w")!.data];

describe("zip archives", () => {
  test.each([
    ["deflated members", archive({ deflated: true })],
    ["data descriptors", archive({ descriptor: true })],
    ["zip64 fields", archive({ zip64: true, descriptor: true }, { zip64: true })],
    ["a comment at the end", archive({}, { comment: "PK\x05\x06 is not here" })],
    [
      "no prefix",
      zipOf([
        ["data.pkl", PICKLE],
        ["data/0", floats(1, 2)],
      ]),
    ],
    ["a CRC that torch left out", archive({ claims: { crc: 0 } })],
  ])("with %s are read", (_, bytes) => {
    expect(read(bytes)).toEqual([1, 2]);
  });

  const data = (options: MemberOptions, content = floats(1, 2)): Bytes =>
    zipOf([
      ["x/data.pkl", PICKLE],
      ["x/data/0", content, options],
    ]);
  test.each([
    ["a wrong CRC", data({ claims: { crc: 1 } }), "corrupt"],
    ["an encrypted member", data({ flags: 1 }), "unsupported"],
    ["another method", data({ method: 12 }), "unsupported"],
    ["a member outside the file", data({ claims: { offset: 10 ** 6 } }), "truncated"],
    ["a member that lies elsewhere", data({ claims: { offset: 200 } }), "corrupt"],
    ["members over one another", data({ claims: { offset: 0 } }), "corrupt"],
    ["two sizes of a stored member", data({ claims: { bytes: 9 } }), "corrupt"],
    ["more bytes than the file has", data({ claims: { bytes: 10 ** 9, packed: 10 ** 9 } }), "truncated"],
    ["an inflated size that is too small", data({ deflated: true, claims: { bytes: 4 } }), "corrupt"],
    ["an inflated size that is too large", data({ deflated: true, claims: { bytes: 9 } }), "corrupt"],
    [
      "the same name twice",
      zipOf([
        ["x/data.pkl", PICKLE],
        ["x/data.pkl", PICKLE],
      ]),
      "corrupt",
    ],
    [
      "two pickles",
      zipOf([
        ["x/data.pkl", PICKLE],
        ["y/data.pkl", PICKLE],
      ]),
      "corrupt",
    ],
    ["no pickle", zipOf([["a.npy", floats(1)]]), "format"],
    ["nothing", zipOf([]), "format"],
    ["a damaged deflate stream", data({ method: 8 }), "corrupt"],
  ] as const)("with %s are refused", (_, bytes, fault) => {
    expect(failure(bytes)).toMatchObject({ fault });
  });

  test("a zip bomb is refused by the size that it announces, and can't announce less", () => {
    const zeros = new Uint8Array(40 * 2 ** 20);
    expect(failure(data({ deflated: true }, zeros))).toMatchObject({ fault: "limit" });
    expect(failure(data({ deflated: true, claims: { bytes: 100 } }, zeros))).toMatchObject({ fault: "corrupt" });
  });

  test("a file that is cut off says so", () => {
    const bytes = fixture("zip.pth");
    const error = failure(bytes.slice(0, bytes.length - 100));
    expect(error).toMatchObject({ fault: "truncated" });
    expect(error.message).toContain("the file is cut off");
  });
});

describe("tar archives", () => {
  const tar = fixture("tar.pth");
  const text = (bytes: Bytes): string => String.fromCharCode(...bytes);

  test("a damaged header is found by its checksum", () => {
    const bytes = Uint8Array.from(tar);
    bytes[124] = "1".charCodeAt(0);
    expect(failure(bytes)).toMatchObject({ fault: "corrupt" });
  });

  test("cut off, it says which member lacks bytes", () => {
    const at = text(tar).lastIndexOf("storages");
    expect(failure(tar.slice(0, at + 600)).message).toMatch(/the tar member "storages" needs \d+ bytes/);
  });

  test("one without torch's members is refused by what is missing", () => {
    const at = text(tar).indexOf("pickle\0");
    expect(failure(tar.slice(0, at)).message).toMatch(/it has no pickle|ends/);
  });

  test("a call of os.system inside is refused, naming it", () => {
    const bytes = Uint8Array.from(tar);
    const name = "ccollections\nOrderedDict\n";
    const at = text(bytes).indexOf(name);
    bytes.set(bytesOf("cposix\nsystem\n", "}".repeat(name.length - 14)), at);
    const error = failure(bytes);
    expect(error).toMatchObject({ fault: "unsafe" });
    expect(error.message).toContain("posix.system");
  });
});
