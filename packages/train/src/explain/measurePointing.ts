import { preprocess, type Preprocessing } from "@fracture/resnet";
import type { Device } from "@fracture/tensor";
import { decodeImage } from "../data/decode.ts";
import type { SplitName } from "../data/split.ts";
import { decide } from "../evaluate/decision.ts";
import { onDevice, readModelFile } from "../model/modelFile.ts";
import { readBoxes, type BoxedPicture } from "./boxes.ts";
import { ExplainError } from "./errors.ts";
import { GradCam, type CamLayer } from "./gradCam.ts";
import { seenSquare, type Point, type Rectangle } from "./heatMap.ts";
import { placeOf } from "./explainFiles.ts";
import {
  isHit,
  pointingGame,
  shareOf,
  toleranceIn,
  type PointingCase,
  type PointingOptions,
  type PointingScore,
  type Share,
} from "./pointingGame.ts";

export interface MeasurePointingOptions extends PointingOptions {
  /** A run folder, a `.safetensors` of ours, or published weights. */
  readonly model: string;
  /** A phantom set, or a CSV file of boxes (see `readBoxes`). */
  readonly data: string;
  /** Default: "test". */
  readonly split?: SplitName;
  /** See `GradCamOptions`. */
  readonly layer?: CamLayer;
  /** Default: 8. */
  readonly batchSize?: number;
}

export interface PointedPicture {
  readonly path: string;
  readonly class: string;
  readonly predicted: string;
  /** Null where the map is 0 all over. */
  readonly peak: Point | null;
  readonly hit: boolean;
}

export interface PointingResult extends PointingScore {
  readonly layer: CamLayer;
  readonly cells: { readonly width: number; readonly height: number };
  /** In pixels of the pictures; of the first, where they differ in size. */
  readonly tolerance: number;
  /** Only the pictures whose class the model tells right. */
  readonly toldRight: Share;
  readonly points: readonly PointedPicture[];
}

/**
 * How well a model's heat maps point at what is known to be there: the pointing game over the pictures of a split that have a box, each explained
 * for its true class, told right or not.
 *
 * @throws WeightsError, ModelFileError, CsvError, ExplainError before the device is opened; ImageError; the signal's reason where it aborts
 */
export async function measurePointing(
  { model: path, data, split = "test", layer, batchSize = 8, ...options }: MeasurePointingOptions,
  {
    openDevice,
    signal,
    onProgress = () => {},
  }: {
    readonly openDevice: () => Promise<Device>;
    readonly signal?: AbortSignal;
    readonly onProgress?: (done: number, total: number) => void;
  },
): Promise<PointingResult> {
  const file = await readModelFile(path);
  const { classes, preprocessing, decision } = file;
  const pictures = readBoxes(data, split);
  const unknown = pictures.find((picture) => !classes.includes(picture.class));
  if (unknown) {
    const known = classes.length > 8 ? `${classes.length} others` : classes.map((name) => `"${name}"`).join(", ");
    throw new ExplainError(
      `${data}: has pictures of "${unknown.class}", a class that the model doesn't know (${known})`,
    );
  }
  const device = await openDevice();
  const { model } = onDevice(file, device);
  const cam = new GradCam({
    device,
    model,
    size: preprocessing.crop,
    batchSize,
    ...(layer ? { layer } : {}),
    ...(signal ? { signal } : {}),
  });
  try {
    const cases: PointingCase[] = [];
    const points: PointedPicture[] = [];
    for (let start = 0; start < pictures.length; start += batchSize) {
      const batch = await Promise.all(
        pictures.slice(start, start + batchSize).map((one) => loaded(one, preprocessing)),
      );
      const { logits, maps } = await cam.explain(
        batch.map(({ input }) => input),
        (_, i) => classes.indexOf(batch[i]!.picture.class),
      );
      const { predicted } = decide(logits, classes, decision);
      for (const [i, { picture, seen }] of batch.entries()) {
        const { peak } = placeOf(maps[i]!, seen);
        const hit = isHit(peak, picture.boxes, toleranceIn(seen, options));
        cases.push({ map: maps[i]!, seen, boxes: picture.boxes });
        points.push({ path: picture.path, class: picture.class, predicted: classes[predicted[i]!]!, peak, hit });
      }
      onProgress(cases.length, pictures.length);
    }
    const [first] = cases;
    const { width, height } = first!.map;
    return {
      ...pointingGame(cases, options),
      layer: cam.layer,
      cells: { width, height },
      tolerance: toleranceIn(first!.seen, options),
      toldRight: shareOf(points.filter((point) => point.class === point.predicted).map(({ hit }) => hit)),
      points,
    };
  } finally {
    cam.dispose();
    model.dispose();
  }
}

async function loaded(
  picture: BoxedPicture,
  preprocessing: Preprocessing,
): Promise<{ readonly picture: BoxedPicture; readonly input: Float32Array; readonly seen: Rectangle }> {
  const decoded = await decodeImage(picture.path, preprocessing);
  return { picture, input: preprocess(decoded, preprocessing), seen: seenSquare(decoded, preprocessing) };
}
