import { existsSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WeightsError } from "./errors.ts";
import { identifyArchitecture } from "./identify.ts";
import { parseWeights, readWeights } from "./readWeights.ts";
import { bytesOf } from "./testing/build.ts";
import { asStored, expectedStates, fixture, fixturePath } from "./testing/fixtures.ts";

const expected = expectedStates();

describe("files that torch wrote", () => {
  test.each([
    ["zip.pth", "pth-zip", []],
    ["legacy.pth", "pth-legacy", []],
    ["legacy-protocol4.pth", "pth-legacy", []],
    ["tar.pth", "pth-tar", []],
    ["parameters.pth", "pth-legacy", []],
    ["checkpoint.pth", "pth-zip", ["state_dict", "module."]],
    ["tiny.safetensors", "safetensors", []],
  ] as const)("%s holds the values that torch reads from it", async (name, format, unwrapped) => {
    const weights = await readWeights(fixturePath(name));
    expect(asStored(weights.state)).toEqual(expected[name]);
    expect(weights).toMatchObject({ format, unwrapped });
    expect(weights.metadata).toEqual(name === "tiny.safetensors" ? { format: "pt", note: "grün" } : {});
  });

  test("names keep the order that they have in the file", () => {
    expect([...parseWeights(fixture("zip.pth")).state.keys()]).toEqual(Object.keys(expected["zip.pth"]!));
  });

  test("float32 tensors are views of the file, not copies", () => {
    const bytes = fixture("zip.pth");
    const entry = parseWeights(bytes).state.get("conv.weight")!;
    expect(entry.data.buffer).toBe(bytes.buffer);
  });

  test("TorchScript is refused by name", async () => {
    await expect(readWeights(fixturePath("torchscript.pth"))).rejects.toThrow(
      /torchscript\.pth: a TorchScript archive/,
    );
  });
});

describe("files that are no weights", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "fracture-weights-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const failure = async (path: string): Promise<WeightsError> => {
    const error: unknown = await readWeights(path).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(WeightsError);
    return error as WeightsError;
  };

  test.each([
    ["page.pth", bytesOf("<!DOCTYPE html><html>not found</html>"), "format", /a web page/],
    ["empty.pth", bytesOf(), "truncated", /the file is empty/],
    ["picture.pth", bytesOf("\x89PNG\r\n\x1a\n"), "format", /a PNG image/],
    ["noise.safetensors", bytesOf("abcdefghijklmnop\x1b[2J"), "format", /begins with "abcdefghijklmnop"/],
    ["pointer.pth", bytesOf("version https://git-lfs.github.com/spec/v1\n"), "format", /git lfs pull/],
  ] as const)("%s is judged by content and refused with path and reason", async (name, content, fault, reason) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    const error = await failure(path);
    expect(error).toMatchObject({ fault, path, exitCode: 2 });
    expect(error.message).toMatch(reason);
    expect(error.message.startsWith(`${path}: `)).toBe(true);
  });

  test("a missing file and a folder are errors of the same type", async () => {
    expect(await failure(join(folder, "missing.pth"))).toMatchObject({ fault: "unreadable" });
    expect(await failure(folder)).toMatchObject({ fault: "unreadable", reason: "not a file" });
  });

  test("a file of terabytes is refused before memory is taken", async () => {
    const path = join(folder, "sparse.pth");
    writeFileSync(path, "PK\x03\x04");
    truncateSync(path, 2 ** 40);
    expect(await failure(path)).toMatchObject({ fault: "limit" });
  });
});

// Real weights, which are not part of the project.
const REAL = new URL("../../../../../shared/data/weights/", import.meta.url).pathname;

describe.skipIf(!existsSync(REAL))("whole networks (../shared/data/weights)", () => {
  test.each([
    ["resnet18-imagenet.pth", "resnet18", 122],
    ["resnet50-imagenet.pth", "resnet50", 320],
  ] as const)("%s is known by its names and shapes", async (file, architecture, size) => {
    const { state } = await readWeights(join(REAL, file));
    expect(identifyArchitecture(state)).toEqual({ architecture, classes: 1000 });
    expect(state.size).toBe(size);
    for (const { data } of state.values()) expect(Number.isFinite(Number(data.at(-1)))).toBe(true);
  });
});
