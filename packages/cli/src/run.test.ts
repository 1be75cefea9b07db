import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as kernels from "@fracture/kernels";
import * as resnet from "@fracture/resnet";
import * as tensor from "@fracture/tensor";
import * as train from "@fracture/train";
import { describe, expect, it } from "vitest";
import { exitCodeOf, failureOf } from "./exitCodes.ts";
import { runCaptured } from "./testing/captured.ts";
import { temporaryFolder } from "./testing/temporaryFolder.ts";

describe("usage", () => {
  it("an unknown command ends with 2 and the nearest one", async () => {
    expect(await runCaptured(["docter"])).toEqual({
      exitCode: 2,
      stdout: "",
      stderr: "fracture: unknown command 'docter'\n(Did you mean doctor?)\n",
    });
  });

  it("an unknown subcommand ends with 2 and the nearest one", async () => {
    const { exitCode, stderr } = await runCaptured(["bench", "conf"]);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: "fracture: unknown command 'conf'\n(Did you mean conv?)\n",
    });
  });

  it("an unknown option ends with 2 and the nearest one", async () => {
    const { exitCode, stderr } = await runCaptured(["data", "phantom", "out", "--sized", "3"]);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: "fracture: unknown option '--sized'\n(Did you mean --size?)\n",
    });
  });

  it("a missing argument ends with 2", async () => {
    const { exitCode, stderr } = await runCaptured(["data", "phantom"]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: "fracture: missing required argument 'out'\n" });
  });

  it.each([
    ["--repeat", "0", "Expected an integer, 1 or more."],
    ["--repeat", "2.5", "Expected an integer, 1 or more."],
    ["--repeat", "", "Expected an integer, 1 or more."],
    ["--sizes", "64,x", "Expected integers, 1 or more, with commas between them."],
  ])("bench gemm %s %j ends with 2 and what was expected", async (option, value, expected) => {
    const { exitCode, stderr } = await runCaptured(["bench", "gemm", option, value]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`argument '${value}' is invalid. ${expected}\n`);
  });

  it("no command at all prints the help to stderr and ends with 2", async () => {
    const { exitCode, stdout, stderr } = await runCaptured([]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toMatch(/^Usage: fracture \[options\] \[command\]\n/);
  });

  it("every command has --help, on stdout, with exit code 0", async () => {
    const commands = ["", "doctor", "data", "data phantom", "bench", "bench gemm", "bench conv", "bench step"];
    for (const command of commands) {
      const { exitCode, stdout, stderr } = await runCaptured([...command.split(" ").filter(Boolean), "--help"]);
      expect({ command, exitCode, stderr }).toEqual({ command, exitCode: 0, stderr: "" });
      expect(stdout).toContain(`Usage: fracture${command && ` ${command}`} [options]`);
    }
  });

  it("--version prints the version", async () => {
    const { exitCode, stdout } = await runCaptured(["--version"]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe("failures", () => {
  it("every error that a package exports has an exit code", () => {
    const all = Object.entries({ ...kernels, ...tensor, ...resnet, ...train });
    const errors = all.filter(([, value]) => typeof value === "function" && value.prototype instanceof Error);
    expect(errors.length).toBeGreaterThan(5);
    const unknown = errors.filter(([name, value]) => {
      const own = Object.assign(Object.create((value as { prototype: object }).prototype) as Error, { name });
      // A field of an instance that isn't made here: it is written in the class's text.
      return (
        exitCodeOf(own) === undefined &&
        !/exitCode\s*=/.test(Function.prototype.toString.call(value)) &&
        !INTERNAL.has(name)
      );
    });
    expect(unknown.map(([name]) => name)).toEqual([]);
  });

  it("a file that is missing is the user's error, with its path", () => {
    const error = Object.assign(new Error("ENOENT: no such file or directory, open 'a.png'"), {
      code: "ENOENT",
      path: "a.png",
    });
    expect(failureOf(error)).toEqual({ exitCode: 2, message: "a.png: no such file or folder", unforeseen: false });
  });

  it("a full disk is not the user's error", () => {
    const error = Object.assign(new Error("ENOSPC"), { code: "ENOSPC", path: "out/last.safetensors" });
    expect(failureOf(error)).toMatchObject({
      exitCode: 1,
      message: "out/last.safetensors: no space is left on the disk",
    });
  });

  it("a file that could not be written keeps the message of who tried", () => {
    const cause = Object.assign(new Error("EACCES: permission denied"), { code: "EACCES" });
    const failure = failureOf(new train.FileWriteError("out/config.json", cause));
    expect(failure).toMatchObject({ exitCode: 2, unforeseen: false });
    expect(failure.message).toMatch(/^out\/config.json: cannot be written \(/);
  });

  it("a device without enough memory is told what needs less", () => {
    expect(failureOf(new tensor.GpuError("out-of-memory", "no 4 GiB left"))).toEqual({
      exitCode: 1,
      message: "GPU out-of-memory: no 4 GiB left\nA smaller --batch-size or --size needs less memory.",
      unforeseen: false,
    });
  });

  it("a bug ends with 1 and a message", () => {
    expect(failureOf(new TypeError("x is not a function"))).toEqual({
      exitCode: 1,
      message: "x is not a function",
      unforeseen: true,
    });
  });

  it("no stack is shown, unless FRACTURE_DEBUG asks for one", async () => {
    const argv = ["bench", "gemm", "--shapes", import.meta.dirname];
    const stderr = `fracture: ${import.meta.dirname}: is a folder, and a file was expected\n`;
    expect(await runCaptured(argv)).toEqual({ exitCode: 2, stdout: "", stderr });
    const loud = await runCaptured(argv, { env: { FRACTURE_DEBUG: "1" } });
    expect(loud.exitCode).toBe(2);
    expect(loud.stderr).toMatch(/\n +at /);
  });

  it.each([
    ["[]", "Too small: expected array to have >=1 items"],
    ["{", "is not JSON (Expected property name or '}'"],
    ['[{"m": 2, "n": 2, "k": 0}]', "[0].k: Too small: expected number to be >=1"],
    ['[{"m": 2, "n": 2, "k": 2, "o": 1}]', '[0]: Unrecognized key: "o"'],
  ])("shapes %j are refused, with the place", async (text, reason) => {
    using folder = temporaryFolder();
    const file = join(folder.path, "shapes.json");
    writeFileSync(file, text);
    const { exitCode, stderr } = await runCaptured(["bench", "gemm", "--shapes", file]);
    expect(exitCode).toBe(2);
    expect(stderr.startsWith(`fracture: ${file}: ${reason}`)).toBe(true); // Node 22 adds the line to what JSON.parse says
  });
});

/** Mistakes of a program, not of a person: nobody foresees them, and they end with 1 and a hint. */
const INTERNAL = new Set([
  "CaptureError",
  "GeometryError",
  "MetricsError",
  "PictureStoreError",
  "ShapeError",
  "TensorError",
]);
