import { createHash } from "node:crypto";
import type { Preprocessing } from "@fracture/resnet";
import type { Device } from "@fracture/tensor";
import type { LabelledFiles } from "../data/folder.ts";
import { loadPictures, type LoadedPictures, type LoadProgress, type UnreadablePicture } from "../data/loadPictures.ts";
import { PictureFeed } from "../data/pictureFeed.ts";
import type { Augmentation } from "../data/augment.ts";
import type { SplitName } from "../data/split.ts";
import { PictureStore } from "../data/store.ts";
import type { SampleSet } from "../loop/options.ts";
import type { RunEvent } from "./events.ts";

/** Pictures that a split can't do without were unreadable: wrong input, which a command line reports with exit code 2. */
export class UnreadablePicturesError extends Error {
  override readonly name = "UnreadablePicturesError";
  readonly exitCode = 2;
  readonly files: readonly UnreadablePicture[];

  constructor(split: SplitName, files: readonly UnreadablePicture[], advice: string) {
    const shown = files.slice(0, 20).map(({ path, reason }) => `  ${path}: ${reason}`);
    const more = files.length > 20 ? [`  and ${files.length - 20} more`] : [];
    const count = files.length === 1 ? "1 picture" : `${files.length} pictures`;
    super([`${count} of the ${split} split can't be read; ${advice}`, ...shown, ...more].join("\n"));
    this.files = files;
  }
}

/** A split's pictures on the host, at the working size; those that can't be read are left out of paths and labels. */
export interface DecodedSplit extends LabelledFiles {
  readonly split: SplitName;
  readonly pictures: LoadedPictures;
}

export interface DecodeSplitOptions {
  readonly preprocessing: Preprocessing;
  /** Set unreadable pictures of every split aside, not only those of train. */
  readonly allowUnreadable: boolean;
  readonly classes: readonly string[];
  /** Where decoded pictures are kept; null: nowhere. */
  readonly cacheFolder: string | null;
  readonly signal: AbortSignal;
  readonly onEvent: (event: RunEvent) => void;
}

/**
 * Decodes a split. Unreadable pictures of the training split are set aside and told; a figure on val or test that silently
 * left some out would be wrong, so there they are an error unless they are allowed.
 *
 * @throws UnreadablePicturesError; the signal's reason where it aborts
 */
export async function decodeSplit(
  split: SplitName,
  { paths, labels }: LabelledFiles,
  { preprocessing, allowUnreadable, classes, cacheFolder, signal, onEvent }: DecodeSplitOptions,
): Promise<DecodedSplit> {
  const onProgress = (progress: LoadProgress): void => onEvent({ kind: "decode", split, ...progress });
  const pictures = await loadPictures(paths, { preprocessing, cacheFolder, signal, onProgress });
  const { kept, unreadable } = pictures;
  if (unreadable.length > 0) {
    if (split !== "train" && !allowUnreadable) {
      const advice = "repair or remove them, or set them aside with --allow-unreadable";
      throw new UnreadablePicturesError(split, unreadable, advice);
    }
    onEvent({ kind: "unreadable", split, files: unreadable });
  }
  const found = kept.map((i) => labels[i]!);
  const empty = classes.filter((_, label) => !found.includes(label));
  if (found.length === 0 || (split === "train" && empty.length > 0)) {
    const names = empty.map((name) => `"${name}"`).join(", ");
    throw new UnreadablePicturesError(split, unreadable, `none is left of ${names}`);
  }
  return { split, paths: kept.map((i) => paths[i]!), labels: found, pictures };
}

export interface StoredSplit extends SampleSet {
  readonly split: SplitName;
  readonly labels: readonly number[];
  dispose(): void;
}

/** Puts a split's pictures on the device. */
export function storeSplit(
  device: Device,
  { split, paths, labels, pictures }: DecodedSplit,
  {
    preprocessing,
    augmentation,
    seed,
  }: { preprocessing: Preprocessing; augmentation: Augmentation | null; seed: number },
): StoredSplit {
  const { mean, std } = preprocessing;
  const { size, channels, data } = pictures;
  const store = new PictureStore({ device, count: paths.length, height: size, width: size, channels });
  const bytes = size * size * channels;
  paths.forEach((_, i) => store.write(i, data.subarray(i * bytes, (i + 1) * bytes)));
  return {
    split,
    paths,
    labels,
    digest: (samples) => {
      const hash = createHash("sha256").update(JSON.stringify({ size, channels, mean, std }));
      for (const i of samples) hash.update(data.subarray(i * bytes, (i + 1) * bytes));
      return hash.digest("hex");
    },
    feed: ({ augment }) =>
      new PictureFeed({ store, size, augmentation: augment ? augmentation : null, seed, mean, std }),
    dispose: () => store.dispose(),
  };
}
