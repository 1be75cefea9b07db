import { dirname } from "node:path";
import type { Picture } from "@fracture/resnet";
import sharp from "sharp";
import { writeFileAtomic } from "../run/atomic.ts";
import { makeFolder } from "../run/makeFolder.ts";

/** Writes a picture as PNG, in one step, making its folder where it is missing. Throws a FileWriteError. */
export async function writePng(path: string, { data, width, height, channels }: Picture): Promise<void> {
  const png = await sharp(data, { raw: { width, height, channels } }).png().toBuffer();
  await makeFolder(dirname(path));
  await writeFileAtomic(path, png);
}
