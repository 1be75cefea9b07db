import { parseRecipe } from "@fracture/train";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FLAG_OF } from "./recipeOptions.ts";
import { runCaptured } from "./testing/captured.ts";
import { temporaryFolder } from "./testing/temporaryFolder.ts";

describe("fracture train", () => {
  it("its help states the defaults that a recipe has", async () => {
    const { stdout } = await runCaptured(["train", "--help"]);
    const help = stdout.replaceAll(/\s+/g, " ");
    const { augmentation, shuffle, ...defaults } = parseRecipe({});
    expect({ augmented: augmentation !== null, shuffle }).toEqual({ augmented: true, shuffle: true });
    for (const [name, value] of Object.entries(defaults)) {
      const flag = FLAG_OF[name as keyof typeof FLAG_OF];
      const stated = new RegExp(`${flag} <[^(]*(\\([^(]*)*?\\(default: ([^)]*)\\)`).exec(help)?.at(-1);
      if (value !== null) expect({ name, stated }).toEqual({ name, stated: `${value as string | number}` });
      expect(help).toContain(flag);
    }
  });

  it.each([
    [["--size", "8"], "--size: Too small: expected number to be >=16"],
    [["--freeze", "layer9"], '--freeze: Invalid option: expected one of "none"|"stem"|'],
    [["--precision", "f16"], '--precision: Invalid option: expected one of "f32"|"mixed"'],
    [["--optimizer", "lion"], "--optimizer: Invalid option"],
  ])("%j is wrong usage, named as on the command line", async (options, fault) => {
    const { exitCode, stdout, stderr } = await runCaptured(["train", "--data", "d", "--out", "o", ...options]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toContain(`\n  ${fault}`);
  });

  it.each([
    [["--out", "o"], "--data is missing: a folder of pictures to train on"],
    [["--data", "d", "--out", ""], "option '--out <folder>' argument '' is invalid. Expected a path, and it is empty."],
    [
      ["--data", "", "--out", "o"],
      "option '--data <folder>' argument '' is invalid. Expected a path, and it is empty.",
    ],
    [
      ["--data", "d", "--out", "o", "--stages", "s.json", "--epochs", "3"],
      "option '--stages <file>' cannot be used with option '--epochs <n>'",
    ],
    [["--data", "d"], "required option '--out <folder>' not specified"],
    [
      ["--data", "d", "--out", "o", "--weights", "resnet99"],
      "--weights resnet99: there is no such file, and no published set",
    ],
    [["--data", "d", "--out", "o", "--augment", "lots"], "--augment lots: expected default or none"],
    [
      ["--data", "d", "--out", "o", "--resume", "--overwrite"],
      "option '--overwrite' cannot be used with option '--resume'",
    ],
    [["--data", "d", "--out", "o", "--lr", "0"], "argument '0' is invalid. Expected a number, above zero."],
  ])("%j is wrong usage", async (options, message) => {
    const { exitCode, stderr } = await runCaptured(["train", ...options]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(message);
  });

  it("a folder with one class is refused before anything is opened, with what was expected and found", async () => {
    using folder = temporaryFolder();
    await runCaptured(["data", "phantom", folder.path, "--train", "2", "--val", "0", "--test", "0", "--size", "32"]);
    const data = join(folder.path, "train");
    const { exitCode, stderr } = await runCaptured(["train", "--data", `${data}/fractured`, "--out", "o"]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^fracture: .*\nexpected:\n/);
    expect(stderr).not.toContain("computing on the CPU");
  });

  it("a recipe in a file is refused by its own keys, and options beside it go before it unless its stages say otherwise", async () => {
    using folder = temporaryFolder();
    const config = join(folder.path, "recipe.yaml");
    const trained = (...options: string[]) =>
      runCaptured(["train", "--data", "/nowhere", "--out", "o", "--config", config, ...options]);
    writeFileSync(config, "epoch: 3\n");
    expect(await trained()).toMatchObject({ exitCode: 2, stdout: "" });
    expect((await trained()).stderr).toContain('\n  "epoch": there is no such key; was "epochs" meant?');
    writeFileSync(config, "stages: [{ freeze: all, epochs: 1, lr: 0.1 }]\n");
    expect((await trained("--epochs", "3")).stderr).toContain(
      `--epochs: the stages in ${config} say that each for itself`,
    );
    writeFileSync(config, "size: 8\n");
    expect((await trained()).stderr).toContain('\n  "size": Too small');
    writeFileSync(config, "size: 32\n");
    expect((await trained("--size", "8")).stderr).toContain("\n  --size: Too small");
    expect((await trained()).stderr).toContain("/nowhere");
  });

  it("a stages file that is none is refused, with the place", async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, "stages.json");
    writeFileSync(file, '[{"freeze": "all", "epochs": 0, "lr": 0.1}]');
    const { exitCode, stderr } = await runCaptured(["train", "--data", "d", "--out", "o", "--stages", file]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`${file}: a stages file is a JSON array`);
    expect(stderr).toContain("\n  0.epochs: Too small");
  });
});
