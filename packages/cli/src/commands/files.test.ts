import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readWeights, writeSafetensors } from "@fracture/resnet";
import { PHANTOM_SHARES } from "@fracture/train";
import { describe, expect, it } from "vitest";
import { runCaptured } from "../testing/captured.ts";
import { temporaryFolder } from "../testing/temporaryFolder.ts";

const STATE = new Map([
  ["w", { dtype: "f32", shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
  ["n\u001b[31m", { dtype: "i64", shape: [], data: BigInt64Array.of(7n) }],
] as const);

describe("fracture weights", () => {
  it("show names the tensors of a file that is none of our networks, and keeps its names off the terminal's controls", async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, "a.safetensors");
    writeFileSync(file, writeSafetensors(STATE, { note: "hello" }));
    const { exitCode, stdout } = await runCaptured(["weights", "show", file]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain("container  safetensors\n");
    expect(stdout).toMatch(/^network +unknown \(not one of resnet18, /m);
    expect(stdout).toMatch(/^note +hello$/m);
    expect(stdout).toMatch(/^name +type +shape\nw +f32 +\[2, 3\]\nn\\u\{1b\}\[31m +i64 +\[\]\n$/m);
  });

  it("show --json is the same for programs", async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, "a.safetensors");
    writeFileSync(file, writeSafetensors(STATE, { note: "hello" }));
    const { stdout } = await runCaptured(["weights", "show", file, "--json"]);
    expect(JSON.parse(stdout)).toEqual({
      path: file,
      format: "safetensors",
      architecture: null,
      classes: null,
      metadata: { note: "hello" },
      unwrapped: [],
      bytes: 32,
      tensors: [
        { name: "w", dtype: "f32", shape: [2, 3], bytes: 24 },
        { name: "n\u001b[31m", dtype: "i64", shape: [], bytes: 8 },
      ],
    });
  });

  it.each([
    ["empty", ""],
    ["an HTML page", "<!doctype html><title>404</title>"],
    ["a header that is longer than the file", "\u0000\u0000\u0000\u0040\u0000\u0000\u0000\u0000{}"],
  ])("show refuses a file that is %s, with its path", async (_, content) => {
    using folder = temporaryFolder();
    const file = join(folder.path, "bad.pth");
    writeFileSync(file, content);
    const { exitCode, stdout, stderr } = await runCaptured(["weights", "show", file]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr.startsWith(`fracture: ${file}: `)).toBe(true);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });

  it("show says what is wrong with a path that leads nowhere", async () => {
    const { exitCode, stderr } = await runCaptured(["weights", "show", "/nowhere/a.pth"]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("/nowhere/a.pth");
  });

  it("convert writes the same tensors, and replaces no file unless told to", async () => {
    using folder = temporaryFolder();
    const [from, to] = [join(folder.path, "a.safetensors"), join(folder.path, "b.safetensors")];
    writeFileSync(from, writeSafetensors(STATE, { note: "hello" }));
    const first = await runCaptured(["weights", "convert", from, to]);
    expect(first).toEqual({ exitCode: 0, stdout: `${to}: 2 tensors\n`, stderr: "" });
    expect((await readWeights(to)).state).toEqual(STATE);
    const second = await runCaptured(["weights", "convert", from, to]);
    expect(second).toEqual({
      exitCode: 2,
      stdout: "",
      stderr: `fracture: ${to}: is there already; --force replaces it\n`,
    });
    expect((await runCaptured(["weights", "convert", from, to, "--force"])).exitCode).toBe(0);
  });

  it("convert writes safetensors only", async () => {
    const { exitCode, stderr } = await runCaptured(["weights", "convert", "a.pth", "b.pth"]);
    expect(exitCode).toBe(2);
    expect(stderr).toBe("fracture: b.pth: the name of the file to write must end with .safetensors\n");
  });

  it("fetch names the published sets where it knows no such", async () => {
    const { exitCode, stderr } = await runCaptured(["weights", "fetch", "resnet17"]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^fracture: no published weights are called "resnet17"; there are resnet18, resnet34, /);
  });
});

describe("fracture data phantom", () => {
  it("makes as many pictures as it is told, and says so", async () => {
    using folder = temporaryFolder();
    const out = join(folder.path, "set");
    const argv = ["data", "phantom", out, "--train", "4", "--val", "2", "--test", "0", "--size", "32"];
    expect(await runCaptured(argv)).toEqual({
      exitCode: 0,
      stdout: `${out}: 6 pictures of 32 x 32 (train 2 fractured, 2 not; val 1 fractured, 1 not)\n`,
      stderr: "",
    });
    expect(readdirSync(join(out, "train")).toSorted()).toEqual(["fractured", "not fractured"]);
    expect(readdirSync(join(out, "train", "fractured"))).toHaveLength(2);
    expect(existsSync(join(out, "test"))).toBe(false);
    const again = await runCaptured([...argv, "--json"]);
    expect(JSON.parse(again.stdout)).toMatchObject({
      folder: out,
      counts: { train: { fractured: 2, whole: 2 } },
      size: 32,
    });
  });

  it("draws as hard a set as it is told, writes down which, and by default that of the library", async () => {
    using folder = temporaryFolder();
    const argv = ["data", "phantom", folder.path, "--train", "2", "--val", "0", "--test", "0", "--size", "32"];
    const mix = ["--hairline-share", "0", "--joint-share", "1", "--collimated-share", "0.1", "--limb", "leg"];
    const made = () => JSON.parse(readFileSync(join(folder.path, "phantom.json"), "utf8")) as unknown;
    expect(await runCaptured([...argv, ...mix, "--tilt", "3"])).toMatchObject({ exitCode: 0 });
    expect(made()).toMatchObject({ hairlineShare: 0, jointShare: 1, collimatedShare: 0.1, limb: "leg", tilt: 3 });
    await runCaptured(argv);
    expect(made()).toMatchObject(PHANTOM_SHARES);

    const help = (await runCaptured(["data", "phantom", "--help"])).stdout.replace(/\s+/g, " ");
    for (const value of Object.values(PHANTOM_SHARES)) expect(help).toContain(`(default: ${value})`);
    const { exitCode, stderr } = await runCaptured([...argv, "--limb", "wing"]);
    expect(exitCode).toBe(2);
    expect(stderr).toBe("fracture: phantom set: limb must be any, forearm, leg or arm, got wing\n");
  });

  it("a folder that holds something else is left alone", async () => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, "thesis.tex"), "");
    const { exitCode, stderr } = await runCaptured(["data", "phantom", folder.path]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`${folder.path}: is not empty (thesis.tex)`);
    expect(readdirSync(folder.path)).toEqual(["thesis.tex"]);
  });

  it("Ctrl-C stops it with 130", async () => {
    using folder = temporaryFolder();
    const controller = new AbortController();
    controller.abort();
    const argv = ["data", "phantom", join(folder.path, "set")];
    expect(await runCaptured(argv, { signal: controller.signal })).toMatchObject({ exitCode: 130 });
  });
});
