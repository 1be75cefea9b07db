import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runCaptured } from "../testing/captured.ts";
import { temporaryFolder } from "../testing/temporaryFolder.ts";

it.each([
  [["--to", "a.pt"], "a.pt: the name of the file to write must end with .onnx or .safetensors"],
  [["--to", "a.onnx", "--dtype", "f16"], "--dtype is for safetensors files; this is onnx"],
  [["--to", "a.safetensors", "--opset", "17"], "--opset is for ONNX files; this is safetensors"],
  [["--to", "a.safetensors", "--fold"], "--fold is for ONNX files; this is safetensors"],
  [["--to", "a", "--format", "onnx", "--opset", "9"], "a: opset 9 is not written; there are 13 to 22"],
  [["--out", "a.onnx"], "model.pth: no such file or folder (a model is a run folder, a .safetensors or a .pth)"],
] as const)("export model.pth %j is refused", async (argv, message) => {
  const { exitCode, stdout, stderr } = await runCaptured(["export", "model.pth", ...argv]);
  expect({ exitCode, stdout, stderr }).toEqual({ exitCode: 2, stdout: "", stderr: `fracture: ${message}\n` });
});

it("export replaces no file unless told to, and writes none for what is no model", async () => {
  using folder = temporaryFolder();
  const [there, model, to] = ["there.onnx", "model.pth", "to.onnx"].map((name) => join(folder.path, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(there, "mine");
  writeFileSync(model, "<html>");
  expect(await runCaptured(["export", model, "--to", there])).toMatchObject({
    exitCode: 2,
    stderr: `fracture: ${there}: is there already; --force replaces it\n`,
  });
  const { exitCode, stderr } = await runCaptured(["export", model, "--to", to]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(`${model}: a web page or XML`);
  expect(existsSync(to)).toBe(false);
});
