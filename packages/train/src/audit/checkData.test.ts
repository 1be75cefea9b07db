import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp, { type Sharp } from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { drawPhantom } from "../phantom/drawPhantom.ts";
import { checkData } from "./cachedAudit.ts";
import type { DataAudit } from "./checkData.ts";
import { writeAudit } from "./writeAudit.ts";

const SIZE = 96;
const phantom = (index: number): Sharp =>
  sharp(drawPhantom({ size: SIZE, fractured: index % 2 === 0, seed: 9, split: "train", index }).pixels, {
    raw: { width: SIZE, height: SIZE, channels: 1 },
  });

const folder = mkdtempSync(join(tmpdir(), "fracture-audit-"));
const data = join(folder, "data");
const cacheFolder = join(folder, "cache");
afterAll(() => rmSync(folder, { recursive: true }));

async function put(name: string, image: Sharp): Promise<void> {
  mkdirSync(join(data, dirname(name)), { recursive: true });
  writeFileSync(join(data, name), name.endsWith(".jpg") ? await image.jpeg().toBuffer() : await image.png().toBuffer());
}

/** Every file of a folder with its content and times. */
function state(root: string): string[] {
  return readdirSync(root, { recursive: true })
    .map((name) => join(root, String(name)))
    .map((path) => {
      const { mtimeMs } = statSync(path);
      const content = statSync(path).isFile() ? createHash("sha256").update(readFileSync(path)).digest("hex") : "";
      return `${path} ${mtimeMs} ${content}`;
    })
    .sort();
}

describe("a look at a data set", () => {
  let audit: DataAudit;
  let before: string[] = [];
  beforeAll(async () => {
    await put("train/fractured/p1_a.png", phantom(0));
    await put("train/fractured/p2_a.png", phantom(2));
    await put("train/whole/p3_a.png", phantom(1));
    await put("train/whole/p4_a.png", phantom(3));
    // The same file, the same pixels in another file, and a turned one.
    await put("test/fractured/p1_b.png", phantom(0));
    await put("test/whole/p5.png", phantom(3).withMetadata({ density: 300 }));
    await put("test/whole/p6.jpg", phantom(1).rotate(90));
    await put("test/fractured/p7.png", phantom(4));
    // A copy that is labelled otherwise.
    await put("train/whole/p8.png", phantom(2).flip());
    await put("test/whole/p9.png", phantom(5));
    writeFileSync(join(data, "test/whole/p10.png"), "<html>not found</html>");
    writeFileSync(join(data, "train/whole/p11.jpg"), await phantom(7).png().toBuffer());
    writeFileSync(join(data, "train/whole/notes.txt"), "left wrist");
    before = state(data);
    audit = await checkData(data, { cacheFolder, patientPattern: "^(p\\d+)" });
  });

  test("names every picture of the test split that is a copy of a training picture", () => {
    expect(audit.leaks).toEqual([
      {
        split: "test",
        of: "train",
        pictures: 5,
        copies: 3,
        exact: 2,
        pairs: [
          {
            a: "test/fractured/p1_b.png",
            b: "train/fractured/p1_a.png",
            kind: "file",
            similarity: 1,
            how: "",
          },
          { a: "test/whole/p5.png", b: "train/whole/p4_a.png", kind: "pixels", similarity: 1, how: "" },
          {
            a: "test/whole/p6.jpg",
            b: "train/whole/p3_a.png",
            kind: "near",
            similarity: expect.closeTo(1, 1),
            how: "turned by 270 degrees",
          },
        ],
      },
    ]);
    expect(audit.groups).toHaveLength(4);
  });

  test("names copies with different labels, each pair once", () => {
    expect(audit.contradictions).toMatchObject([
      { a: "train/fractured/p2_a.png", b: "train/whole/p8.png", classA: "fractured", classB: "whole" },
    ]);
  });

  test("names patients with pictures in two splits", () => {
    expect(audit.patients).toEqual({
      unknown: 0,
      split: [{ patient: "p1", pictures: { train: 1, val: 0, test: 1 } }],
    });
  });

  test("takes patients from a CSV file, too, as spreadsheets write it", async () => {
    const csv = join(folder, "patients.csv");
    writeFileSync(
      csv,
      "\uFEFFpath,patient\r\ntrain/fractured/p2_a.png, Smith\r\n./test/fractured/p7.png,Smith\r\n" +
        `${join(data, "train/whole/p3_a.png")},Jones`,
    );
    const { patients } = await checkData(data, { cacheFolder, patients: csv });
    expect(patients).toEqual({
      unknown: 9,
      split: [{ patient: "Smith", pictures: { train: 1, val: 0, test: 1 } }],
    });
    writeFileSync(csv, "picture,patient\na,b\n");
    await expect(checkData(data, { cacheFolder, patients: csv })).rejects.toThrow(
      `${csv}: has no column "path" (columns: picture, patient)`,
    );
  });

  test("says what can't be read, what is odd, and what was passed over", () => {
    expect(audit.unreadable).toEqual([
      { path: "test/whole/p10.png", reason: "is an HTML page (a download that failed?)" },
    ]);
    expect(audit.odd).toEqual([{ path: "train/whole/p11.jpg", what: "is a PNG, whatever its name says" }]);
    expect(audit.ignored).toEqual(["train/whole/notes.txt"]);
    expect(audit.pictures).toBe(11);
  });

  test("leaves the data folder as it was, and is the same from the cache", async () => {
    expect(state(data)).toEqual(before);
    expect(existsSync(cacheFolder)).toBe(true);
    expect(await checkData(data, { cacheFolder, patientPattern: "^(p\\d+)" })).toEqual(audit);
    await expect(writeAudit(join(data, "audit.json"), audit)).rejects.toThrow("where nothing is written");
    await writeAudit(join(folder, "audit.json"), audit);
    expect(JSON.parse(readFileSync(join(folder, "audit.json"), "utf8"))).toEqual(audit);
  });

  test("of a folder without splits finds no leaks, but the copies", async () => {
    const { leaks, groups, contradictions } = await checkData(join(data, "train"), { cacheFolder });
    expect([leaks, groups, contradictions.length]).toEqual([[], [["fractured/p2_a.png", "whole/p8.png"]], 1]);
  });

  test("stops where it is told to", async () => {
    const signal = AbortSignal.abort();
    await expect(checkData(data, { cacheFolder: null, signal })).rejects.toBe(signal.reason);
  });
});

const LEAKY = fileURLToPath(new URL("../../../../../shared/data/xrays-leaky", import.meta.url));

// 113 and 117 are byte for byte in train; one more is the same film, turned by a few degrees.
test.skipIf(!existsSync(LEAKY))("a published set that leaks is found out: 113 of val, 117 of test", async () => {
  const { leaks } = await checkData(LEAKY, { cacheFolder });
  expect(leaks.slice(0, 2).map(({ split, of, pictures, exact }) => [split, of, pictures, exact])).toEqual([
    ["test", "train", 120, 117],
    ["val", "train", 120, 113],
  ]);
  const bytes = (name: string) => readFileSync(join(LEAKY, name));
  for (const { pairs } of leaks)
    for (const { a, b, kind } of pairs) expect(bytes(a).equals(bytes(b)), a).toBe(kind === "file");
});
