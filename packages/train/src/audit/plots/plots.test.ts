import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writePhantomSet } from "../../phantom/writePhantomSet.ts";
import { readTable } from "../../data/table.ts";
import { checkData } from "../cachedAudit.ts";
import type { DataAudit } from "../checkData.ts";
import { ASPECT_EDGES } from "../distributions.ts";
import { copiesToShow } from "./copiesSheet.ts";
import { drawDataPlots, writeDataPlots } from "./writeDataPlots.ts";

const folder = mkdtempSync(join(tmpdir(), "fracture-data-plots-"));
const data = join(folder, "data");
const cacheFolder = join(folder, "cache");
const out = join(folder, "plots");
afterAll(() => rmSync(folder, { recursive: true }));

const put = (name: string): string => {
  mkdirSync(dirname(join(data, name)), { recursive: true });
  return join(data, name);
};

let audit: DataAudit;
beforeAll(async () => {
  await writePhantomSet(data, { train: 6, val: 0, test: 2, size: 48 });
  const source = join(data, "train", "fractured", "0000.png");
  copyFileSync(source, put("test/fractured/same.png"));
  writeFileSync(put("test/fractured/turned.png"), await sharp(source).rotate(90).png().toBuffer());
  writeFileSync(
    put("test/not fractured/wide.png"),
    await sharp(source).resize(96, 48, { fit: "fill" }).flop().png().toBuffer(),
  );
  audit = await checkData(data, { cacheFolder });
});

const SHARE = expect.closeTo(1, 9);

describe("the plots of a data set", () => {
  test("have their numbers in what the check found", () => {
    for (const row of audit.summary) {
      expect(row.levels.reduce((sum, share) => sum + share, 0)).toEqual(SHARE);
      expect(row.aspects.reduce((sum, count) => sum + count, 0)).toBe(row.pictures);
      expect(row.sizes.reduce((sum, { pictures }) => sum + pictures, 0)).toBe(row.pictures);
    }
    const wide = audit.summary.find((row) => row.split === "test" && row.class === "not fractured")!;
    expect(wide.sizes).toEqual([
      { width: 48, height: 48, pictures: 1 },
      { width: 96, height: 48, pictures: 1 },
    ]);
    const bin = wide.aspects.findLastIndex((count) => count > 0);
    expect([ASPECT_EDGES[bin]! < 2, ASPECT_EDGES[bin + 1]! > 2]).toEqual([true, true]);
  });

  test("are written as SVG, as PNG and as CSV", async () => {
    const paths = await writeDataPlots(out, audit);
    const names = ["class_balance", "levels", "dimensions", "aspect_ratios", "shortcuts", "copies"];
    expect(paths).toEqual(names.map((name) => join(out, `${name}.png`)));
    expect(readdirSync(out).sort()).toEqual(
      names.flatMap((name) => [`${name}.csv`, `${name}.png`, `${name}.svg`]).sort(),
    );
    for (const path of paths) expect((await sharp(path).metadata()).format).toBe("png");
    const balance = readTable(join(out, "class_balance.csv"), ["split", "class", "pictures"]).rows;
    expect(balance.map(({ cells }) => [cells["split"], cells["class"], Number(cells["pictures"])])).toEqual(
      audit.summary.map((row) => [row.split, row.class, row.pictures]),
    );
  });

  test("show copies as they lie and as the other one does, the least sure first", async () => {
    const rows = copiesToShow(audit);
    const sure = rows.map(({ lines }) => lines[0]);
    expect(sure.at(-1)).toBe("test/fractured/same.png");
    const turned = rows.find(
      ({ lines, pictures }) => lines[0] === "test/fractured/turned.png" && pictures[0]!.caption === "test",
    )!;
    expect(turned.pictures.map(({ caption }) => caption)).toEqual(["test", "turned by 270 degrees", "train"]);
    // What was laid as the other lies shows the same.
    const svg = readFileSync(join(out, "copies.svg"), "utf8");
    const pictures = [...svg.matchAll(/base64,([^"]+)"/g)].map(([, text]) => Buffer.from(text!, "base64"));
    const place = rows.slice(0, rows.indexOf(turned)).flatMap((row) => row.pictures).length;
    const [before, laid, other] = await Promise.all(
      pictures.slice(place, place + 3).map((png) => sharp(png).toColourspace("b-w").raw().toBuffer()),
    );
    expect(laid!.equals(other!)).toBe(true);
    expect(before!.equals(other!)).toBe(false);
  });

  test("show films of a set without splits, and nothing where there are no copies", async () => {
    const whole = await checkData(join(data, "test"), { cacheFolder });
    expect(copiesToShow(whole)[0]!.pictures.length).toBeGreaterThan(1);
    const clean = { ...audit, leaks: [], contradictions: [], groups: [] };
    const bare = join(folder, "bare");
    await writeDataPlots(bare, clean);
    expect(existsSync(join(bare, "copies.png"))).toBe(false);
    expect(existsSync(join(bare, "copies.csv"))).toBe(false);
  });

  test("can be drawn of many classes with long names, and of pictures that can't be told apart", () => {
    const classes = Array.from({ length: 12 }, (_, i) => `a kind of fracture that has a long name & number ${i}`);
    const summary = classes.map((name) => ({ ...audit.summary[0]!, class: name, split: null }));
    const shortcuts = audit.shortcuts.map((row) => ({ ...row, auc: null, interval: null }));
    for (const svg of Object.values(drawDataPlots({ ...audit, classes, summary, shortcuts }))) {
      expect(svg).toMatch(/^<svg .*<\/svg>$/s);
      expect(svg).not.toContain("NaN");
    }
    expect(drawDataPlots({ ...audit, pictures: 0, summary: [] })).toEqual({});
  });
});
