import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, expect, it } from "vitest";
import { writeReportFolder } from "../testing/reportFolder.ts";
import { writeReport } from "./writeReport.ts";

const root = mkdtempSync(join(tmpdir(), "fracture-without-paths-"));
afterAll(() => rmSync(root, { recursive: true }));

const files = async (folder: string, pictures: boolean): Promise<string> => {
  const { html, modelCard } = await writeReport(folder, { pictures });
  return readFileSync(html, "utf8") + readFileSync(modelCard, "utf8");
};
const TOLD = /fracture-without-paths|St\.? Mary|Jane Doe|Roe\^Richard|\/weights/;

it("without pictures a report names no folder of this machine, in its command, its notes or its tables", async () => {
  const folder = join(root, "St. Mary", "Jane Doe's", "run");
  const { data } = await writeReportFolder(folder, { classes: ["a", "b"], images: 8, copies: 3 });
  const results = join(folder, "results");
  const check = join(results, "data-check.json");
  const audit = JSON.parse(readFileSync(check, "utf8"));
  const patients = { unknown: 0, split: [{ patient: "Roe^Richard", pictures: { train: 1, test: 1 } }] };
  const odd = [{ path: "test/Jane Doe/1.png", what: "is tiny" }];
  writeFileSync(check, JSON.stringify({ ...audit, patients, odd }));
  writeFileSync(join(results, "subgroups.json"), "{}");
  writeFileSync(join(results, "explanations.json"), `{"path": "${data}/1.png`);
  writeFileSync(join(results, "lr-find.png"), "no picture");
  for (const given of [folder, relative(process.cwd(), folder)]) {
    expect(await files(given, true)).toMatch(TOLD);
    const shared = await files(given, false);
    expect(shared).not.toMatch(TOLD);
    expect(shared).toContain("fracture train --data DATA --out RUN --weights resnet50.pth ");
    expect(shared).toContain("subgroups.json: holds no figures of subgroups");
    expect(shared).toMatch(/>1\.png</);
  }
});

it("of an evaluation, the model's file is named without its folders; nothing is written into the data all the same", async () => {
  const run = join(root, "kept");
  const { data } = await writeReportFolder(run, { classes: ["a", "b"], images: 8 });
  const folder = join(root, "evaluated");
  mkdirSync(folder);
  const metrics = JSON.parse(readFileSync(join(run, "results", "metrics.json"), "utf8"));
  const model = join(root, "Jane Doe", "best.safetensors");
  writeFileSync(join(folder, "metrics.json"), JSON.stringify({ ...metrics, split: "test", model, data }));
  expect(await files(folder, true)).toContain("Jane Doe");
  const shared = await files(folder, false);
  expect(shared).not.toMatch(TOLD);
  expect(shared).toContain("best.safetensors");
  await expect(writeReport(folder, { pictures: false, out: join(data, "report.html") })).rejects.toThrow(data);
});
