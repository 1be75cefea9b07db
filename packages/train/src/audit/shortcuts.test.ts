import { nn } from "@fracture/tensor";
import { describe, expect, test } from "vitest";
import type { Fingerprint } from "./fingerprint.ts";
import { shortcutsOf, type LabelledPrint } from "./shortcuts.ts";

const PRINT: Fingerprint = {
  format: "jpeg",
  jpegQuality: 75,
  jpegTables: 1,
  fileBytes: 1000,
  width: 100,
  height: 80,
  mean: 60,
  deviation: 20,
  borderMean: 3,
  levels: [],
  conversions: [],
  fileHash: "",
  pixelHash: "",
  structure: { low: 0, high: 0 },
  detail: null,
};

function pictures(count: number, of: (label: number, noise: number) => Partial<Fingerprint>): LabelledPrint[] {
  const noise = new nn.Generator(2).normal([count]);
  return Array.from({ length: count }, (_, i) => ({
    label: i % 2,
    print: { ...PRINT, ...of(i % 2, noise[i]!) },
    cluster: i,
  }));
}

const found = (set: readonly LabelledPrint[], classes = ["fractured", "not fractured"]) =>
  new Map(shortcutsOf(set, classes).map((one) => [one.from, one]));

describe("the probe for shortcuts", () => {
  test("finds the property that gives the class away, and no other", () => {
    const told = found(pictures(100, (label, noise) => ({ mean: label === 0 ? 40 : 90, fileBytes: 1000 + noise })));
    expect(told.get("mean brightness")).toMatchObject({
      class: "fractured",
      auc: 1,
      larger: false,
      suspicious: true,
    });
    expect(told.get("mean brightness")!.interval![0]).toBeGreaterThan(0.9);
    expect(told.get("file size")).toMatchObject({ suspicious: false });
    expect(told.get("width")).toMatchObject({ auc: null, suspicious: false });
    expect([...told.values()].filter(({ suspicious }) => suspicious)).toHaveLength(1);
  });

  test("finds kinds without an order: JPEG tables of another scanner", () => {
    const told = found(pictures(100, (label, noise) => ({ jpegTables: label === 0 && noise > -1 ? 7 : 8 })));
    expect(told.get("JPEG tables and sampling")!.auc).toBeGreaterThan(0.85);
    expect(told.get("JPEG tables and sampling")).toMatchObject({ larger: null, suspicious: true });
    expect(told.get("file format")!.auc).toBeNull();
  });

  test("is not fooled by kinds that occur once each: dimensions that are all different tell nothing", () => {
    const told = found(pictures(60, (_, noise) => ({ width: Math.round(1e6 * Math.abs(noise)) })));
    expect(told.get("dimensions")).toMatchObject({ auc: null, suspicious: false });
  });

  test("of more classes names the one that is told best", () => {
    const set = pictures(90, () => ({})).map((one, i) => ({
      ...one,
      label: i % 3,
      print: { ...PRINT, fileBytes: i % 3 === 2 ? 5000 : 1000 + (i % 7) },
    }));
    expect(found(set, ["a", "b", "c"]).get("file size")).toMatchObject({ class: "c", auc: 1, larger: true });
  });
});
