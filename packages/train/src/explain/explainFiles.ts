import { basename, dirname, extname, join } from "node:path";
import type { Preprocessing } from "@fracture/resnet";
import { decodeImage } from "../data/decode.ts";
import { liesIn, realPlace } from "../run/place.ts";
import { ExplainError } from "./errors.ts";
import type { CamLayer } from "./gradCam.ts";
import { peakOf, pointIn, seenSquare, type HeatMap, type Point, type Rectangle } from "./heatMap.ts";
import { overlayOf, sideBySide } from "./overlay.ts";
import { writePng } from "./pictureFile.ts";

export interface ExplainFilesOptions {
  /** Where the pictures go. */
  readonly folder: string;
  /** See `GradCamOptions`. */
  readonly layer?: CamLayer;
}

/** Where in a picture the network saw what speaks for a class. */
export interface PictureExplanation {
  /** The class that is explained: the one decided for. */
  readonly class: string;
  readonly layer: CamLayer;
  /** The picture, and beside it the same with the map over it. */
  readonly file: string;
  /** Where the map is largest, in pixels of the picture from its upper left corner; null where nothing speaks for the class. */
  readonly peak: Point | null;
  /** The part of the picture that the network was shown, in its pixels. */
  readonly seen: Rectangle;
}

/** Names of files that don't collide, `0001-gradcam.png`, within one run. */
export class FileNames {
  readonly #taken = new Set<string>();

  /** A name for the picture of a path. */
  next(path: string): string {
    // Room for the suffix and for a temporary file's within what file systems take.
    const stem = basename(path, extname(path)).slice(0, 60);
    for (let n = 1; ; n++) {
      const name = `${stem}-gradcam${n === 1 ? "" : `-${n}`}.png`;
      // Some file systems don't tell cases apart.
      if (this.#taken.has(name.toLowerCase())) continue;
      this.#taken.add(name.toLowerCase());
      return name;
    }
  }
}

/**
 * Refuses a folder for explanations that holds a picture, or lies in a folder that was named, whatever links lead there: nothing is written
 * among pictures.
 *
 * @param folders folders of pictures
 * @throws ExplainError
 */
export async function refuseAmongPictures(
  folder: string,
  pictures: readonly string[],
  folders: readonly string[],
): Promise<void> {
  const at = await realPlace(folder);
  let why: string | null = null;
  // Of each folder the first of its pictures: there may be very many.
  const firsts = new Map(pictures.toReversed().map((path) => [dirname(path), path]));
  for (const [holding, path] of firsts) if ((await realPlace(holding)) === at) why = `holds ${path}`;
  for (const named of folders) if (why === null && liesIn(at, await realPlace(named))) why = `lies in ${named}`;
  if (why) throw new ExplainError(`${folder}: ${why}, and nothing is written among pictures: choose another folder`);
}

/**
 * Writes the picture of a file, and beside it the same with its heat map.
 *
 * @throws ImageError where the file can't be read any more, FileWriteError
 */
export async function writeExplanation(
  path: string,
  map: HeatMap,
  {
    folder,
    names,
    classes,
    preprocessing,
  }: {
    readonly folder: string;
    readonly names: FileNames;
    readonly classes: readonly string[];
    readonly preprocessing: Preprocessing;
  },
): Promise<PictureExplanation> {
  const picture = await decodeImage(path, preprocessing);
  const { plain, overlay } = overlayOf(picture, map, preprocessing);
  const file = join(folder, names.next(path));
  await writePng(file, sideBySide(plain, overlay));
  return { class: classes[map.class]!, layer: map.layer, file, ...placeOf(map, seenSquare(picture, preprocessing)) };
}

/** Where a map's square and its largest value lie in a picture. */
export function placeOf(map: HeatMap, seen: Rectangle): { readonly peak: Point | null; readonly seen: Rectangle } {
  const peak = peakOf(map);
  return { peak: peak && pointIn(seen, peak), seen };
}
