import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { workingPreprocessing } from "@fracture/resnet";
import sharp from "sharp";
import { afterAll, expect, test } from "vitest";
import { readDataFolder } from "../data/folder.ts";
import { loadPictures } from "../data/loadPictures.ts";
import { checkData } from "./cachedAudit.ts";

const oracle: { readonly kinds: Readonly<Record<string, { readonly file: string }>> } = JSON.parse(
  readFileSync(new URL("../data/dicom/testdata/dicom.json", import.meta.url), "utf8"),
);
const folder = mkdtempSync(join(tmpdir(), "fracture-dicom-set-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** DICOM as it comes from an archive, with any name or none, among other pictures. */
async function makeSet(): Promise<string> {
  const root = join(folder, "set");
  const put = (name: string, kind: string): void =>
    writeFileSync(join(root, name), Buffer.from(oracle.kinds[kind]!.file, "base64"));
  for (const name of ["fractured", "whole"]) mkdirSync(join(root, "train", name), { recursive: true });
  put("train/fractured/IM0001", "MONOCHROME1");
  put("train/fractured/1.2.826.0.1", "no preamble and no header, implicit");
  put("train/whole/a.dcm", "JPEG 2000");
  put("train/whole/b.DCM", "explicit little endian");
  const values = Uint16Array.from({ length: 40 * 40 }, (_, i) => i * 40);
  await sharp(values, { raw: { width: 40, height: 40, channels: 1 } })
    .toColourspace("grey16")
    .png()
    .toFile(join(root, "train/whole/c.png"));
  return root;
}

test("DICOM is found by content, checked, and loaded, and what was done to it is counted", async () => {
  const root = await makeSet();
  const { splits, ignored } = await readDataFolder(root);
  expect([splits.train?.labels, ignored]).toEqual([[0, 0, 1, 1, 1], []]);

  const options = { cacheFolder: join(folder, "cache") };
  const audit = await checkData(root, options);
  expect(audit.unreadable).toEqual([]);
  expect(audit.conversions).toEqual([
    { what: "more than 8 bits scaled to 8", pictures: 1, example: "train/whole/c.png" },
    { what: "DICOM window applied", pictures: 3, example: "train/fractured/1.2.826.0.1" },
    {
      what: "DICOM without a window: least to most stretched to 8 bits",
      pictures: 1,
      example: "train/whole/b.DCM",
    },
    { what: "MONOCHROME1 inverted", pictures: 1, example: "train/fractured/IM0001" },
  ]);
  expect(JSON.stringify(audit)).not.toMatch(/Doe|Jane|4711/);
  // Fingerprints from the cache say the same.
  rmSync(join(folder, "cache", "audits"), { recursive: true, force: true });
  expect(await checkData(root, options)).toEqual(audit);

  const { kept } = await loadPictures(splits.train!.paths, {
    preprocessing: workingPreprocessing(16),
    cacheFolder: null,
  });
  expect(kept).toEqual([0, 1, 2, 3, 4]);
});
