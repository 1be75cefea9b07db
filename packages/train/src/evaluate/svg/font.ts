import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

/** The family that every plot names, and the files (npm package dejavu-fonts-ttf) that it is rendered with. */
export const FONT_FAMILY = "DejaVu Sans";

const require = createRequire(import.meta.url);
const FILES = { normal: "DejaVuSans.ttf", bold: "DejaVuSans-Bold.ttf" } as const;

export type FontWeight = keyof typeof FILES;

export function fontFile(weight: FontWeight): string {
  return require.resolve(`dejavu-fonts-ttf/ttf/${FILES[weight]}`);
}

/** Width of a line of text at `size` pixels, from the font's own advances, so that a layout can be exact (but for kerning). */
export function textWidth(text: string, size: number, weight: FontWeight = "normal"): number {
  const { glyphs, advances, unitsPerEm } = font(weight);
  let units = 0;
  for (const char of text) units += advances[glyphs.get(char.codePointAt(0) ?? 0) ?? 0] ?? 0;
  return (units / unitsPerEm) * size;
}

/** Whether the font can draw every character. */
export function fontCovers(text: string): boolean {
  const { glyphs } = font("normal");
  return Array.from(text).every((char) => /\s/.test(char) || glyphs.has(char.codePointAt(0) ?? 0));
}

/** `text`, cut in its middle to fit into `width` pixels: both ends of a class name tell it from its neighbours. */
export function elide(text: string, width: number, size: number, weight: FontWeight = "normal"): string {
  if (textWidth(text, size, weight) <= width) return text;
  const chars = Array.from(text);
  for (let kept = chars.length - 1; kept > 1; kept--) {
    const tail = Math.floor(kept / 3);
    const shorter = `${chars
      .slice(0, kept - tail)
      .join("")
      .trimEnd()}…${chars.slice(chars.length - tail).join("")}`;
    if (textWidth(shorter, size, weight) <= width) return shorter;
  }
  return `${chars[0] ?? ""}…`;
}

interface FontMetrics {
  unitsPerEm: number;
  /** Code point to glyph. */
  glyphs: Map<number, number>;
  /** Advance width of each glyph, in units. */
  advances: number[];
}

const loaded = new Map<FontWeight, FontMetrics>();

function font(weight: FontWeight): FontMetrics {
  let metrics = loaded.get(weight);
  if (metrics === undefined) {
    metrics = readFont(readFileSync(fontFile(weight)));
    loaded.set(weight, metrics);
  }
  return metrics;
}

// The four TrueType tables that give advances: head, hhea, hmtx, cmap (format 4). The file is ours, so it is trusted.
function readFont(file: Buffer): FontMetrics {
  const table = (tag: string): Buffer => {
    for (let i = 0; i < file.readUInt16BE(4); i++) {
      const entry = 12 + 16 * i;
      if (file.toString("latin1", entry, entry + 4) === tag) return file.subarray(file.readUInt32BE(entry + 8));
    }
    throw new Error(`font: there is no table ${tag}`);
  };
  const hmtx = table("hmtx");
  const advances = Array.from({ length: table("hhea").readUInt16BE(34) }, (_, i) => hmtx.readUInt16BE(4 * i));
  return {
    unitsPerEm: table("head").readUInt16BE(18),
    glyphs: readCharacterMap(table("cmap")),
    advances,
  };
}

function readCharacterMap(cmap: Buffer): Map<number, number> {
  const offsets = Array.from({ length: cmap.readUInt16BE(2) }, (_, i) => cmap.readUInt32BE(8 + 8 * i));
  const offset = offsets.find((at) => cmap.readUInt16BE(at) === 4);
  if (offset === undefined) throw new Error("font: there is no character map of format 4");
  const map = cmap.subarray(offset);
  const twiceSegments = map.readUInt16BE(6);
  const glyphs = new Map<number, number>();
  for (let s = 0; s < twiceSegments; s += 2) {
    const end = map.readUInt16BE(14 + s);
    const start = map.readUInt16BE(16 + twiceSegments + s);
    const delta = map.readUInt16BE(16 + 2 * twiceSegments + s);
    const rangeAt = 16 + 3 * twiceSegments + s;
    const range = map.readUInt16BE(rangeAt);
    for (let code = start; code <= end && code < 0xffff; code++) {
      const raw = range === 0 ? code : map.readUInt16BE(rangeAt + range + 2 * (code - start));
      const glyph = raw === 0 && range !== 0 ? 0 : (raw + delta) & 0xffff;
      if (glyph !== 0) glyphs.set(code, glyph);
    }
  }
  return glyphs;
}
