import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { makeFolder } from "../run/makeFolder.ts";
import { writeFileAtomic } from "../run/atomic.ts";
import { csvLine } from "../run/csv.ts";
import { writeJson } from "../run/results.ts";
import { drawPhantom, type Phantom } from "./drawPhantom.ts";
import { PHANTOM_SPLITS, type PhantomSplit } from "./draws.ts";
import { PhantomError } from "./errors.ts";
import { clearPhantomFolder, PHANTOM_CLASSES, PHANTOM_FORMAT, phantomPaths, picturePath } from "./folder.ts";
import { LIMBS } from "./scene.ts";
import { PHANTOM_SHARES, type PhantomShares } from "./shares.ts";

export interface PhantomSetOptions extends Partial<PhantomShares> {
  /** Pictures of both classes together, half and half; an odd one out is fractured. Defaults 160, 40 and 40. */
  readonly train?: number;
  readonly val?: number;
  readonly test?: number;
  /** Width and height in pixels, 32 to 2048. Default 256. */
  readonly size?: number;
  /** A safe integer from 0. Default 0. */
  readonly seed?: number;
  /** Called after each picture. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
  /** Aborted, the set stops after the picture that is being drawn, and its reason is thrown. */
  readonly signal?: AbortSignal;
}

export interface PhantomSetSummary {
  readonly folder: string;
  /** Pictures of each split and class. */
  readonly counts: Readonly<Record<PhantomSplit, { readonly fractured: number; readonly whole: number }>>;
}

/** Columns of phantom.csv: a line a picture, the last six empty for a whole bone; lengths in pixels from the upper left corner. */
export const BREAK_COLUMNS = [
  "path",
  "split",
  "class",
  "kind",
  "pattern",
  "x",
  "y",
  "left",
  "top",
  "width",
  "height",
] as const;

const SIZES = { least: 32, most: 2048 } as const;
/** PNG files that are encoded while the next picture is drawn. */
const IN_FLIGHT = 4;

/**
 * Writes a data set of radiograph-like pictures, split and with both classes in equal parts: `folder/{train,val,test}/{fractured,not
 * fractured}/NNNN.png` (8-bit grey), `folder/phantom.csv` with the place of each break, and `folder/phantom.json` with what the set
 * was made from. Picture i of a split is a pure function of (seed, split, i, size, shares, limb, tilt), whatever the counts.
 *
 * @throws PhantomError for an option out of range, or a folder that holds anything but a phantom set; nothing is written then
 */
export async function writePhantomSet(folder: string, options: PhantomSetOptions = {}): Promise<PhantomSetSummary> {
  const { train = 160, val = 40, test = 40, size = 256, seed = 0 } = options;
  const shares = {
    hairlineShare: options.hairlineShare ?? PHANTOM_SHARES.hairlineShare,
    jointShare: options.jointShare ?? PHANTOM_SHARES.jointShare,
    collimatedShare: options.collimatedShare ?? PHANTOM_SHARES.collimatedShare,
    limb: options.limb ?? PHANTOM_SHARES.limb,
    tilt: options.tilt ?? PHANTOM_SHARES.tilt,
  };
  const totals = { train, val, test };
  checkOptions({ ...totals, size, seed, ...shares });
  options.signal?.throwIfAborted();
  await clearPhantomFolder(folder);

  const paths = phantomPaths(folder);
  await makeFolder(folder);
  const made = { format: PHANTOM_FORMAT, ...totals, size, seed, ...shares };
  await writeJson(paths.mark, { ...made, complete: false });

  const total = train + val + test;
  const lines = [csvLine(BREAK_COLUMNS)];
  let done = 0;
  const writing = new Set<Promise<void>>();
  try {
    for (const split of PHANTOM_SPLITS) {
      for (const name of totals[split] > 0 ? Object.values(PHANTOM_CLASSES) : []) {
        await makeFolder(join(folder, split, name));
      }
      for (let index = 0; index < totals[split]; index++) {
        options.signal?.throwIfAborted();
        const fractured = index % 2 === 0;
        const phantom = drawPhantom({ seed, split, index, size, fractured, ...shares });
        const path = picturePath(split, index, fractured);
        lines.push(breakLine(path, phantom));
        const written = writePicture(join(folder, path), phantom.pixels, size).then(() => {
          writing.delete(written);
          options.onProgress?.({ done: ++done, total });
        });
        writing.add(written);
        if (writing.size >= IN_FLIGHT) await Promise.race(writing);
      }
    }
    await Promise.all(writing);
  } finally {
    // After a failure too, nothing may go on writing behind the caller's back.
    await Promise.allSettled(writing);
  }
  await writeFileAtomic(paths.breaks, lines.join(""));
  await writeJson(paths.mark, { ...made, complete: true });
  const counts = (count: number) => ({ fractured: Math.ceil(count / 2), whole: Math.floor(count / 2) });
  return { folder, counts: { train: counts(train), val: counts(val), test: counts(test) } };
}

function checkOptions(options: Record<PhantomSplit | "size" | "seed", number> & PhantomShares): void {
  const check = <K extends keyof typeof options>(
    name: K,
    rule: string,
    holds: (value: (typeof options)[K]) => boolean,
  ): void => {
    const value = options[name];
    if (!holds(value)) throw new PhantomError("option", `phantom set: ${name} must be ${rule}, got ${value}`);
  };
  for (const split of PHANTOM_SPLITS) {
    check(split, "0 or an integer from 2", (count) => Number.isSafeInteger(count) && (count === 0 || count >= 2));
  }
  check(
    "size",
    `an integer from ${SIZES.least} to ${SIZES.most}`,
    (size) => Number.isSafeInteger(size) && size >= SIZES.least && size <= SIZES.most,
  );
  check("seed", "an integer from 0", (seed) => Number.isSafeInteger(seed) && seed >= 0);
  for (const share of ["hairlineShare", "jointShare", "collimatedShare"] as const) {
    check(share, "from 0 to 1", (value) => value >= 0 && value <= 1);
  }
  check("limb", `any, ${LIMBS.slice(0, -1).join(", ")} or ${LIMBS.at(-1)}`, (limb) => ["any", ...LIMBS].includes(limb));
  check("tilt", "from 0 to 45", (degrees) => degrees >= 0 && degrees <= 45);
  if (options.train + options.val + options.test === 0) {
    throw new PhantomError("option", "phantom set: train, val and test are all 0, and a set needs a picture");
  }
}

function breakLine(path: string, { break: broken }: Phantom): string {
  const [split, name] = path.split("/");
  const place = broken
    ? [broken.kind, broken.pattern, round(broken.centre.x), round(broken.centre.y), ...Object.values(broken.box)]
    : Array.from({ length: BREAK_COLUMNS.length - 3 }, () => null);
  return csvLine([path, split!, name!, ...place]);
}

const round = (pixels: number): number => Math.round(pixels * 100) / 100;

async function writePicture(path: string, pixels: Uint8Array, size: number): Promise<void> {
  const png = sharp(pixels, { raw: { width: size, height: size, channels: 1 } })
    .toColourspace("b-w")
    .png({ compressionLevel: 6, adaptiveFiltering: false, palette: false });
  await writeFile(path, await png.toBuffer());
}
