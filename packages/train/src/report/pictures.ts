import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import sharp, { type Sharp } from "sharp";
import { decodeImage } from "../data/decode.ts";
import { liesIn } from "../run/place.ts";
import type { EmbeddedPicture } from "./report.ts";

/** Pixels of the longer side: two pictures lie side by side on a phone, of twice its density. */
const LONGER_SIDE = 320;
const QUALITY = 72;
/** A drawn figure keeps its letters. */
const FIGURE_WIDTH = 1200;
const FIGURE_QUALITY = 80;

/**
 * A picture of the data set, made small.
 *
 * @throws ImageError where it can't be read
 */
export async function embedPicture(path: string, channels: "grey" | "rgb"): Promise<EmbeddedPicture> {
  const { data, ...raw } = await decodeImage(path, { channels });
  return encode(sharp(data, { raw }), LONGER_SIDE, QUALITY);
}

/** A PNG that the program made for the run (a heat map over its picture), made small. Throws what sharp does. */
export async function embedOverlay(path: string): Promise<EmbeddedPicture> {
  return encode(sharp(await readFile(path)), LONGER_SIDE, QUALITY);
}

/** A figure that the program drew for the run, a PNG. Throws what sharp does. */
export async function embedFigure(path: string): Promise<EmbeddedPicture> {
  return encode(sharp(await readFile(path)), FIGURE_WIDTH, FIGURE_QUALITY);
}

async function encode(picture: Sharp, longer: number, quality: number): Promise<EmbeddedPicture> {
  const { data, info } = await picture
    .resize({ width: longer, height: longer, fit: "inside", withoutEnlargement: true })
    .webp({ quality })
    .toBuffer({ resolveWithObject: true });
  return { src: `data:image/webp;base64,${data.toString("base64")}`, width: info.width, height: info.height };
}

/** `path` within `folder`, or null where it would lead out of it. */
export function within(folder: string, path: string): string | null {
  const [full, root] = [resolve(folder, path), resolve(folder)];
  return full !== root && liesIn(full, root) ? full : null;
}
