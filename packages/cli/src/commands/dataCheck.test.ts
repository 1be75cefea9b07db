import { copyFileSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runCaptured } from "../testing/captured.ts";
import { temporaryFolder } from "../testing/temporaryFolder.ts";

/** A phantom set of four, two and two pictures. */
async function phantoms(folder: string): Promise<string> {
  const data = join(folder, "set");
  await runCaptured(["data", "phantom", data, "--train", "4", "--val", "2", "--test", "2", "--size", "48"]);
  return data;
}

describe("fracture data check", () => {
  it("finds nothing in a set that is clean, with --strict too", async () => {
    using folder = temporaryFolder();
    const data = await phantoms(folder.path);
    const { exitCode, stdout, stderr } = await runCaptured(["data", "check", data, "--strict"]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toContain(`${data}: 8 pictures\nNo picture has a copy in another split.\n`);
    expect(stdout).toContain("No two pictures show the same film;");
  });

  it("says first how many test images are copies, names them, and fails where it is strict", async () => {
    using folder = temporaryFolder();
    const data = await phantoms(folder.path);
    const [train, test] = ["train", "test"].map((split) => join(data, split, "fractured"));
    copyFileSync(join(train!, "0000.png"), join(test!, "again.png"));
    const lax = await runCaptured(["data", "check", data]);
    expect(lax.exitCode).toBe(0);
    expect(lax.stdout.split("\n")[1]).toBe(
      "1 of 3 test images is a copy of train images (1 with the same pixels). Test figures will tell what was learnt by heart, not what was learnt.",
    );
    expect(lax.stdout).toContain("\n  test/fractured/again.png  =  train/fractured/0000.png  the same file\n");
    const strict = await runCaptured(["data", "check", data, "--strict", "--json"]);
    expect(strict.exitCode).toBe(2);
    expect(strict.stderr).toBe(`fracture: ${data}: 1 copy across splits\n`);
    expect(JSON.parse(strict.stdout)).toMatchObject({
      leaks: [{ split: "test", of: "train", copies: 1, exact: 1 }, {}, {}],
    });
  });

  it("writes what it found where it is told, but never among the pictures", async () => {
    using folder = temporaryFolder();
    const data = await phantoms(folder.path);
    const out = join(folder.path, "found", "check.json");
    expect((await runCaptured(["data", "check", data, "--out", out])).exitCode).toBe(0);
    expect(JSON.parse(readFileSync(out, "utf8"))).toMatchObject({ root: data, pictures: 8 });
    const plots = join(folder.path, "plots");
    const drawn = await runCaptured(["data", "check", data, "--out", plots]);
    expect(drawn.stdout).toContain(`All of it is in ${join(plots, "data-check.json")}`);
    const named = ["aspect_ratios", "class_balance", "dimensions", "levels", "shortcuts"];
    const files = named.flatMap((name) => [`${name}.csv`, `${name}.png`, `${name}.svg`]);
    expect(readdirSync(plots).sort()).toEqual([...files, "data-check.json"].sort());
    const inside = join(data, "check.json");
    const { exitCode, stderr } = await runCaptured(["data", "check", data, "--out", inside]);
    expect([exitCode, existsSync(inside)]).toEqual([2, false]);
    expect(stderr).toBe(
      `fracture: ${inside}: lies in the data folder ${data}, where nothing is written: choose another place\n`,
    );
  });

  it.each([
    ["a folder that is not there", ["nowhere"], "there is no such folder"],
    ["a pattern that is none", ["set", "--patient-pattern", "("], "is no regular expression"],
    ["a table of patients that is not there", ["set", "--patients", "nowhere.csv"], "no such file or folder"],
  ])("refuses %s", async (_, argv, message) => {
    using folder = temporaryFolder();
    await phantoms(folder.path);
    const paths = argv.map((part) => (/^(set|nowhere)/.test(part) ? join(folder.path, part) : part));
    const { exitCode, stderr } = await runCaptured(["data", "check", ...paths]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(message);
  });
});

describe("fracture data split", () => {
  it("writes a list that data check finds clean, and says how many pictures went where", async () => {
    using folder = temporaryFolder();
    const data = await phantoms(folder.path);
    copyFileSync(join(data, "train", "fractured", "0000.png"), join(data, "test", "fractured", "again.png"));
    const out = join(folder.path, "split.csv");
    const argv = ["data", "split", data, "--out", out, "--val-fraction", "0", "--test-fraction", "0.3"];
    const { exitCode, stdout } = await runCaptured(argv);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      /split\.csv: 9 pictures; 1 group of up to 2 kept together\n\nsplit +fractured +not fractured\n/,
    );
    expect((await runCaptured(["data", "check", out, "--strict"])).exitCode).toBe(0);
    const same = await runCaptured(["data", "split", out, "--out", out]);
    expect([same.exitCode, same.stderr]).toEqual([
      2,
      `fracture: ${out}: is what the pictures are read from: choose another file\n`,
    ]);
  });
});
