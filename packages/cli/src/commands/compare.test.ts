import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runCaptured } from "../testing/captured.ts";
import { temporaryFolder } from "../testing/temporaryFolder.ts";

const HEADER = "path,label,predicted,prob_fractured,prob_not fractured";
const row = (name: string, label: string, p: number): string =>
  `/data/test/${name}.png,${label},${p >= 0.5 ? "fractured" : "not fractured"},${p},${1 - p}`;

it("fracture compare says who is right where only one is, with intervals, needs no device, and refuses other pictures", async () => {
  using folder = temporaryFolder();
  const run = (name: string, rows: readonly string[]): string => {
    const results = join(folder.path, name, "results");
    mkdirSync(results, { recursive: true });
    writeFileSync(join(results, "predictions.csv"), [HEADER, ...rows, ""].join("\n"));
    return join(folder.path, name);
  };
  const rows = (p: readonly number[]): string[] =>
    p.map((value, i) => row(String(i), i < 3 ? "fractured" : "not fractured", value));
  const first = run("first", rows([0.9, 0.8, 0.4, 0.3, 0.2, 0.1]));
  const second = run("second", rows([0.9, 0.3, 0.2, 0.6, 0.2, 0.1]));

  const text = await runCaptured(["compare", first, second]);
  expect(text).toMatchObject({ exitCode: 0, stderr: "" });
  expect(text.stdout).toMatch(/^accuracy +0\.833 +0\.500 +-0\.333 +-\d\.\d{3} to [+-]\d\.\d{3}$/m);
  expect(text.stdout).toContain(
    "McNemar's test (exact): only the first is right on 2, only the second on 0; p = 0.5000.",
  );
  const json = JSON.parse((await runCaptured(["compare", first, second, "--json"])).stdout);
  expect(json).toMatchObject({ samples: 6, positiveClass: "fractured", mcnemar: { onlyFirst: 2, onlySecond: 0 } });

  const other = await runCaptured(["compare", first, run("other", rows([0.9, 0.8, 0.4, 0.3, 0.2]))]);
  expect(other).toMatchObject({ exitCode: 2, stdout: "" });
  expect(other.stderr).toContain("fracture: the runs were tested on other pictures");
});
