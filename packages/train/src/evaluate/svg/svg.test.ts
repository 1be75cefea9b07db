import { Resvg } from "@resvg/resvg-js";
import { describe, expect, test } from "vitest";
import { escapeXml, polyline, svgDocument, text } from "./element.ts";
import { elide, FONT_FAMILY, fontCovers, fontFile, textWidth, type FontWeight } from "./font.ts";
import { shade } from "./palette.ts";
import { renderPng } from "./png.ts";
import { integerAxis, linearAxis, logAxis, scaleOf } from "./scale.ts";

describe("text", () => {
  /** Width of what resvg draws. */
  function drawnWidth(content: string, size: number, weight: FontWeight): number {
    const attributes = `y="50" font-size="${size}" font-weight="${weight}" font-family="${FONT_FAMILY}"`;
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="999" height="99"><text ${attributes}>${content}</text></svg>`;
    const font = { loadSystemFonts: false, fontFiles: [fontFile("normal"), fontFile("bold")] };
    return new Resvg(svg, { font }).getBBox()?.width ?? NaN;
  }

  test.each([
    ["normal", "n"],
    ["normal", "ß"],
    ["normal", "8"],
    ["bold", "M"],
  ] as const)("is as wide as the renderer draws it: %s %s", (weight, char) => {
    // The ink of one letter is narrower than its advance; four more letters add four advances exactly.
    const advances = drawnWidth(char.repeat(5), 40, weight) - drawnWidth(char, 40, weight);
    expect(advances).toBeCloseTo(4 * textWidth(char, 40, weight), 2);
  });

  test("that is too long is cut in its middle, and never wider than its room", () => {
    const name = "fracture of the distal radius, left";
    expect(elide(name, 1000, 11)).toBe(name);
    for (let room = 20; room < 210; room += 10) expect(textWidth(elide(name, room, 11), 11)).toBeLessThanOrEqual(room);
    expect(elide(name, 120, 11)).toMatch(/^fracture.*….*left$/);
  });

  test("the font covers Latin, Greek and Cyrillic, and says that it lacks Chinese", () => {
    expect([fontCovers("Größe μ≤½ перелом"), fontCovers("骨折")]).toEqual([true, false]);
  });

  test("can't break out of its element", () => {
    expect(escapeXml('<a b="c">&\u0000')).toBe("&lt;a b=&quot;c&quot;&gt;&amp;\ufffd");
    const svg = svgDocument(99, 20, text(0, 10, '</text><script x="\ud800">&', { size: 10 }));
    expect(svg).not.toContain("<script");
    expect(renderPng(svg, 1).subarray(1, 4).toString()).toBe("PNG");
  });
});

describe("axes", () => {
  const labels = ({ ticks, format }: { ticks: readonly number[]; format: (value: number) => string }) =>
    ticks.map((tick) => format(tick));

  test.each([
    [
      [0.31, 0.77],
      ["0.3", "0.4", "0.5", "0.6", "0.7", "0.8"],
    ],
    [
      [0.1, 0.7],
      ["0.0", "0.2", "0.4", "0.6", "0.8"],
    ],
    [
      [-3, 12],
      ["-5", "0", "5", "10", "15"],
    ],
    [
      [0, 1e7],
      ["0", "2e6", "4e6", "6e6", "8e6", "1e7"],
    ],
    [
      [5, 5],
      ["4.4", "4.6", "4.8", "5.0", "5.2", "5.4", "5.6"],
    ],
    [
      [0, 0],
      ["-0.6", "-0.4", "-0.2", "0.0", "0.2", "0.4", "0.6"],
    ],
    [[], ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]],
    [
      [NaN, 1, Infinity, 2],
      ["1.0", "1.2", "1.4", "1.6", "1.8", "2.0"],
    ],
  ])("a linear axis for %j has round ticks", (values, expected) => {
    expect(labels(linearAxis(values))).toEqual(expected);
  });

  test("shares are percentages and never leave 0 to 100%", () => {
    expect(labels(linearAxis([0.5, 0.98], { limits: [0, 1], percent: true }))).toEqual([
      "50%",
      "60%",
      "70%",
      "80%",
      "90%",
      "100%",
    ]);
    expect(linearAxis([1, 1], { limits: [0, 1], percent: true }).domain[1]).toBe(1);
  });

  test("an axis holds all its values", () => {
    for (let i = 0; i < 200; i++) {
      const values = [Math.sin(i * 7.3) * 10 ** ((i % 13) - 6), Math.cos(i * 3.1) * 10 ** ((i % 7) - 3)];
      const { domain, ticks } = linearAxis(values);
      expect(domain[0]).toBeLessThanOrEqual(Math.min(...values));
      expect(domain[1]).toBeGreaterThanOrEqual(Math.max(...values));
      expect(ticks.length).toBeGreaterThanOrEqual(3);
      expect(ticks.length).toBeLessThanOrEqual(9);
    }
  });

  test("epochs are whole numbers, from the first", () => {
    expect(integerAxis(1, 1).ticks).toEqual([1]);
    expect(integerAxis(1, 4).ticks).toEqual([1, 2, 3, 4]);
    expect(integerAxis(1, 40).ticks).toEqual([1, 5, 10, 15, 20, 25, 30, 35, 40]);
    for (const last of [12, 17, 25, 99, 1000]) {
      const { ticks } = integerAxis(1, last, 12);
      expect(ticks.every(Number.isInteger) && ticks.length <= 14, String(last)).toBe(true);
    }
  });

  test("learning rates get powers of ten, few enough to be read", () => {
    expect(labels(logAxis([1e-3, 1e-5]))).toEqual(["1e-5", "1e-4", "1e-3"]);
    expect(labels(logAxis([1e-3]))).toEqual(["1e-4", "1e-3", "1e-2"]);
    expect(logAxis([1, 1e-30]).ticks.length).toBeLessThanOrEqual(7);
    const axis = logAxis([1e-4, 1e-2]);
    expect(scaleOf(axis, [0, 100])(1e-3)).toBeCloseTo(50, 9);
  });
});

test("ink is read on every shade: a contrast of 4.5 at least (WCAG AA)", () => {
  const luminance = (rgb: readonly number[]) => {
    const [r = 0, g = 0, b = 0] = rgb.map((value) =>
      value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4,
    );
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  let lighter = Infinity;
  for (let share = 0; share <= 1; share += 1 / 64) {
    const { fill, ink } = shade(share);
    const background = luminance((fill.match(/\d+/g) ?? []).map(Number));
    const written = luminance([1, 3, 5].map((at) => parseInt(ink.slice(at, at + 2), 16)));
    const contrast = (Math.max(background, written) + 0.05) / (Math.min(background, written) + 0.05);
    expect(contrast, `share ${share}`).toBeGreaterThanOrEqual(4.5);
    // Printed in grey, a larger share is darker.
    expect(background).toBeLessThan(lighter);
    lighter = background;
  }
});

test("a line of a million points keeps only those that can be told apart", () => {
  const points = Array.from({ length: 1e6 }, (_, i) => [i / 1e4, 0] as const);
  expect(polyline(points, { stroke: "#000000" }).length).toBeLessThan(10_000);
});
