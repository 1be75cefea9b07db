import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { workingPreprocessing } from "@fracture/resnet";
import { DEFAULT_AUGMENTATION, loadPictures, PictureFeed, PictureStore, type LoadedPictures } from "@fracture/train";
import { capture, Timestamps, type Device } from "@fracture/tensor";
import { InputError } from "../exitCodes.ts";
import { plural } from "../output/format.ts";
import type { Progress } from "../output/progress.ts";
import { trainingLoop, type LoopOptions } from "./loop.ts";
import { measure, medianOf, type MeasureOptions, type Timing } from "./measure.ts";
import { drawPictures, findPictures, linkPictures, type BenchPictures, type FoundPictures } from "./pictureFolder.ts";
import { picturesRow, type BenchRow } from "./report.ts";

/** Pictures that were found in a data folder. */
export interface Source {
  readonly data: string;
  readonly found: FoundPictures;
}

/** The pictures of a data folder to measure with, checked before a device is opened; null for phantoms. */
export async function dataSource({
  data,
  batchSize,
  steps,
}: LoopOptions & { readonly data?: string }): Promise<Source | null> {
  return data === undefined ? null : { data, found: await findPictures(data, batchSize * steps) };
}

/** Pictures a second of each stage on the way into training, and of training itself against its bare captured step. */
export async function dataRows(
  device: Device,
  source: Source | null,
  options: LoopOptions,
  measuring: MeasureOptions,
  progress: Progress,
): Promise<BenchRow[]> {
  const { size, batchSize, steps } = options;
  const temporary = await mkdtemp(join(tmpdir(), "fracture-bench-"));
  try {
    const folder = join(temporary, "data");
    const pictures = source
      ? await linkPictures(folder, source.found, source.data)
      : await drawPictures(folder, { count: batchSize * steps, size }, { signal: measuring.signal, progress });
    const { row, loaded } = await decoding(pictures, size, measuring, progress);
    return [
      row,
      ...(await feeding(device, loaded, options, measuring, progress)),
      ...(await trainingLoop(device, pictures, { ...options, out: join(temporary, "run") }, measuring, progress)),
    ];
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** From files to 8-bit pictures at the working size, as the first epoch of a run begins. */
async function decoding(
  { paths, what }: BenchPictures,
  size: number,
  measuring: MeasureOptions,
  progress: Progress,
): Promise<{ row: BenchRow; loaded: LoadedPictures }> {
  progress.update(`decoding ${plural(paths.length, "picture")}`);
  let loaded: LoadedPictures | null = null;
  const timing = await measure(async () => {
    const preprocessing = workingPreprocessing(size);
    loaded = await loadPictures(paths, { preprocessing, cacheFolder: null, signal: measuring.signal });
    const [unreadable] = loaded.unreadable;
    if (unreadable) throw new InputError(`${unreadable.path}: ${unreadable.reason}; it can't be measured with`);
  }, measuring);
  return {
    row: picturesRow(`decoding, ${what}, from files to ${size} x ${size}`, paths.length, timing),
    loaded: loaded!,
  };
}

/** Batches out of pictures on the device: copies, views, and the kernel that augments and normalises. */
async function feeding(
  device: Device,
  { data, size, channels, kept }: LoadedPictures,
  { batchSize, steps }: LoopOptions,
  measuring: MeasureOptions,
  progress: Progress,
): Promise<BenchRow[]> {
  progress.update("augmenting");
  using store = new PictureStore({ device, count: kept.length, height: size, width: size, channels });
  const bytes = size * size * channels;
  for (const i of kept.keys()) store.write(i, data.subarray(i * bytes, (i + 1) * bytes));
  const { mean, std } = workingPreprocessing(size);
  const batch = new PictureFeed({ store, size, augmentation: DEFAULT_AUGMENTATION, seed: 0, mean, std }).batch(
    batchSize,
  );
  try {
    using program = await capture(device, () => batch.tensor());
    const load = (step: number, epoch: number): void =>
      batch.load(
        Array.from({ length: batchSize }, (_, row) => step * batchSize + row),
        epoch,
      );
    let epoch = 0;
    const timing = await measure(async () => {
      for (let step = 0; step < steps; step++) {
        load(step, epoch);
        program.replay();
      }
      epoch += 1;
      await device.sync();
    }, measuring);
    const kernel = await kernelTiming(device, (stamps) => program.replay(stamps), measuring);
    program.result.dispose();
    return [
      ...(kernel
        ? [
            picturesRow(
              `augmentation kernel, ${size} x ${size}, batch ${batchSize}, by the device's clock`,
              batchSize,
              kernel,
            ),
          ]
        : []),
      picturesRow(
        `batches with their views, copies and kernel, ${size} x ${size}, batch ${batchSize}`,
        batchSize * steps,
        timing,
      ),
    ];
  } finally {
    batch.dispose();
  }
}

/** By the device's own clock, where it has one: a kernel this short is lost in the time that a submission takes. */
async function kernelTiming(
  device: Device,
  replay: (stamps: { timestamps: Timestamps; at: number }) => void,
  { warmUp, repeats }: MeasureOptions,
): Promise<Timing | null> {
  if (!Timestamps.supportedBy(device)) return null;
  using timestamps = new Timestamps(device, 2 * (warmUp + repeats));
  for (let run = 0; run < warmUp + repeats; run++) replay({ timestamps, at: 2 * run });
  const times = await timestamps.read();
  const each = Array.from({ length: repeats }, (_, i) => times[2 * (warmUp + i) + 1]! - times[2 * (warmUp + i)]!);
  return { medianMs: medianOf(each), minMs: Math.min(...each), repeats };
}
