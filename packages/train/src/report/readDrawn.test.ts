import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, expect, it } from "vitest";
import { writeReportFolder } from "../testing/reportFolder.ts";
import { readReport } from "./readReport.ts";
import { reportHtml } from "./reportHtml.ts";

const root = mkdtempSync(join(tmpdir(), "fracture-report-drawn-"));
afterAll(() => rmSync(root, { recursive: true }));

it("sheets of images are left out where images are, and counted among them where they are not", async () => {
  const folder = join(root, "run");
  const { data } = await writeReportFolder(folder, { classes: ["a", "b"] });
  rmSync(data, { recursive: true }); // no mistakes to be shown: the sheets are all there is of the data set
  const drawn = join(folder, "results", "data-check");
  mkdirSync(drawn);
  const create = { width: 8, height: 8, channels: 3, background: "white" } as const;
  const png = await sharp({ create }).png().toBuffer();
  for (const name of ["levels", "copies", "contact-sheet", "constructor"])
    writeFileSync(join(drawn, `${name}.png`), png);
  const [all, none] = [await readReport(folder), await readReport(folder, { pictures: false })];
  expect(all.dataPlots.map(({ title, showsData }) => [title, showsData])).toEqual([
    ["Grey levels", false],
    ["Copies side by side", true],
    ["What augmentation does to images", true],
    ["constructor", true],
  ]);
  expect(none.dataPlots.map(({ title }) => title)).toEqual(["Grey levels"]);
  expect(reportHtml(all)).toContain("This file holds images of the data set");
  expect(reportHtml(none)).toContain("This file holds no images of the data set");
});
