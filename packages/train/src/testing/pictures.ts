import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";

export const CLASSES = ["fractured", "not fractured"] as const;

/**
 * A grey picture by a formula that a script in another language can repeat, [size, size]: a slope with waves, and in the middle
 * a square that is bright in class 0 and dark in class 1.
 */
export function formulaPicture(size: number, label: number, index: number): Uint8Array {
  const picture = new Uint8Array(size * size);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const waves = 40 * Math.sin(x * 0.7 + index) + 40 * Math.cos(y * 0.45 + 2 * index);
      const middle = Math.abs(2 * x - size) < size / 2 && Math.abs(2 * y - size) < size / 2;
      picture[y * size + x] = Math.round(128 + waves + (middle ? (label === 0 ? 40 : -40) : 0));
    }
  }
  return picture;
}

/** Writes `root/<split>/<class>/<n>.png`, so many pictures a class and split. */
export async function writePictures(
  root: string,
  size: number,
  counts: Readonly<Record<string, number>>,
): Promise<void> {
  let index = 0;
  for (const [split, count] of Object.entries(counts)) {
    for (const [label, name] of CLASSES.entries()) {
      mkdirSync(join(root, split, name), { recursive: true });
      for (let i = 0; i < count; i++) {
        const png = await sharp(formulaPicture(size, label, index++), {
          raw: { width: size, height: size, channels: 1 },
        })
          .png()
          .toBuffer();
        writeFileSync(join(root, split, name, `${i}.png`), png);
      }
    }
  }
}
