import { dirname, join } from "node:path";
import { defaultWeightsFolder, type Preprocessing } from "@fracture/resnet";
import { FileCache } from "./fileCache.ts";

/** Where decoded pictures are kept: a folder "pictures" beside that of the weights, in the user's cache folder. */
export function defaultPictureCacheFolder(environment: Readonly<NodeJS.ProcessEnv> = process.env): string {
  return join(dirname(defaultWeightsFolder(environment)), "pictures");
}

/** What a picture becomes before it is kept. */
export type PictureForm = Pick<Preprocessing, "resize" | "crop" | "channels">;

/** Decoded pictures of one form. */
export class PictureCache extends FileCache {
  constructor(folder: string, { resize, crop, channels }: PictureForm) {
    super(folder, [resize, crop, channels]);
  }
}
