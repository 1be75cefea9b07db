import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { preprocess, type Preprocessing, type ResNet } from "@fracture/resnet";
import type { Device } from "@fracture/tensor";
import { decodeImage, ImageError } from "../data/decode.ts";
import type { SplitOutcome } from "../evaluate/report.ts";
import { writeJson } from "../run/results.ts";
import { choosePictures, EXPLAINED_KINDS, type ChosenPicture } from "./choosePictures.ts";
import { placeOf } from "./explainFiles.ts";
import { EXPLANATIONS_FORMAT, type ExplainedPicture, type Explanations } from "./explanations.ts";
import { GradCam, type CamLayer } from "./gradCam.ts";
import { seenSquare, type HeatMap } from "./heatMap.ts";
import { overlayOf } from "./overlay.ts";
import { writePng } from "./pictureFile.ts";

export interface ExplainOutcomeOptions {
  readonly device: Device;
  readonly model: ResNet;
  readonly preprocessing: Preprocessing;
  /** See `choosePictures`. Default: 6. */
  readonly most?: number;
  /** See `GradCamOptions`. */
  readonly layer?: CamLayer;
  readonly signal?: AbortSignal;
}

/**
 * Explains what a model decided on the pictures of a split that teach most (see `choosePictures`), and writes `explanations.json` and
 * `explanations/*.png` into a folder, in place of what was there. A picture that can't be read any more is left out.
 *
 * @returns what the file holds; null, and nothing is written, where there is no picture to explain
 * @throws FileWriteError; the signal's reason where it aborts
 */
export async function explainOutcome(
  folder: string,
  outcome: SplitOutcome,
  { device, model, preprocessing, most, layer, signal }: ExplainOutcomeOptions,
): Promise<Explanations | null> {
  await removeOld(folder);
  const { classes, split } = outcome;
  const chosen = choosePictures(outcome, most);
  const decoded = await decodeAll(chosen, preprocessing);
  const paths = [...decoded.keys()];
  if (paths.length === 0) return null;

  const predicted = new Map(chosen.map((picture) => [picture.path, classes.indexOf(picture.predicted)]));
  using cam = new GradCam({
    device,
    model,
    size: preprocessing.crop,
    ...(layer ? { layer } : {}),
    ...(signal ? { signal } : {}),
  });
  const { maps } = await cam.explain([...decoded.values()], (_, i) => predicted.get(paths[i]!)!);

  const counts = new Map<string, number>();
  const shown = new Map<string, Shown>();
  const explained: ExplainedPicture[] = [];
  for (const picture of chosen) {
    if (!decoded.has(picture.path)) continue;
    let files = shown.get(picture.path);
    if (!files) {
      const count = (counts.get(picture.kind) ?? 0) + 1;
      counts.set(picture.kind, count);
      const name = `${picture.kind}-${count}`;
      files = await show(folder, name, picture.path, maps[paths.indexOf(picture.path)]!, preprocessing);
      shown.set(picture.path, files);
    }
    explained.push({ ...picture, explains: picture.predicted, ...files });
  }
  const { width, height } = maps[0]!;
  const explanations: Explanations = {
    format: EXPLANATIONS_FORMAT,
    method: "Grad-CAM",
    layer: cam.layer,
    cells: { width, height },
    split,
    pictures: explained,
  };
  await writeJson(join(folder, FILE), explanations);
  return explanations;
}

const OWN_FILE = new RegExp(`^(${EXPLAINED_KINDS.join("|")})-\\d+(-plain)?\\.png$`);

/** Only what is ours: `folder` is whichever the caller named. */
async function removeOld(folder: string): Promise<void> {
  await rm(join(folder, FILE), { force: true });
  const names = await readdir(join(folder, PICTURES)).catch(() => []);
  for (const name of names) if (OWN_FILE.test(name)) await rm(join(folder, PICTURES, name), { force: true });
}

type Shown = Pick<ExplainedPicture, "overlay" | "plain" | "peak" | "seen">;

const FILE = "explanations.json";
const PICTURES = "explanations";

async function show(
  folder: string,
  name: string,
  path: string,
  map: HeatMap,
  preprocessing: Preprocessing,
): Promise<Shown> {
  // Decoded again, one at a time: whole radiographs are large.
  const picture = await decodeImage(path, preprocessing);
  const { plain, overlay } = overlayOf(picture, map, preprocessing, { longest: SHOWN });
  const files = { overlay: `${PICTURES}/${name}.png`, plain: `${PICTURES}/${name}-plain.png` };
  await writePng(join(folder, files.overlay), overlay);
  await writePng(join(folder, files.plain), plain);
  return { ...files, ...placeOf(map, seenSquare(picture, preprocessing)) };
}

/** Longer side of a picture in a report. */
const SHOWN = 512;

/** What the network takes of pictures, by their paths, each once. */
async function decodeAll(
  chosen: readonly ChosenPicture[],
  preprocessing: Preprocessing,
): Promise<Map<string, Float32Array>> {
  const decoded = new Map<string, Float32Array>();
  for (const { path } of chosen) {
    if (decoded.has(path)) continue;
    try {
      decoded.set(path, preprocess(await decodeImage(path, preprocessing), preprocessing));
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
    }
  }
  return decoded;
}
