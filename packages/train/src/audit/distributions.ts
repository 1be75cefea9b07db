import type { SplitName } from "../data/split.ts";
import { LEVEL_BINS, type Fingerprint } from "./fingerprint.ts";

/** The 0th, 25th, 50th, 75th and 100th percentile. */
export type Quartiles = readonly [least: number, lower: number, median: number, upper: number, most: number];

/** The pictures of one class in one split. */
export interface ClassSummary {
  readonly split: SplitName | null;
  readonly class: string;
  readonly pictures: number;
  /** Of the split's pictures. */
  readonly share: number;
  readonly width: Quartiles;
  readonly height: Quartiles;
  readonly aspect: Quartiles;
  readonly fileBytes: Quartiles;
  /** Of the pictures' mean levels, 0 to 255. */
  readonly brightness: Quartiles;
  /** Of the deviations of their levels. */
  readonly contrast: Quartiles;
  /** [LEVEL_BINS] The share of pixels with each 32nd of the levels, the darkest first: the mean of the pictures' shares. */
  readonly levels: readonly number[];
  /** [ASPECT_BINS] Pictures by width / height: see `ASPECT_EDGES`. */
  readonly aspects: readonly number[];
  /** Dimensions and how many pictures have them; where there are very many, near ones are put together under their mean. */
  readonly sizes: readonly PictureCount[];
}

export interface PictureCount {
  readonly width: number;
  readonly height: number;
  readonly pictures: number;
}

/** [ASPECT_BINS + 1] Eighths of an octave about 1 / 4 to 4; what lies beyond is in the first and the last bin. */
export const ASPECT_EDGES: readonly number[] = Array.from({ length: 34 }, (_, i) => 2 ** ((i - 16.5) / 8));
export const ASPECT_BINS = ASPECT_EDGES.length - 1;

/** Dimensions of a class that are told apart. */
const MOST_SIZES = 200;

export interface SummarisedPicture {
  readonly print: Fingerprint;
  readonly label: number;
  readonly split: SplitName | null;
}

/** Counts and distributions of every class in every split that has pictures. */
export function summarise(pictures: readonly SummarisedPicture[], classes: readonly string[]): ClassSummary[] {
  return [...new Set(pictures.map(({ split }) => split))].flatMap((split) => {
    const inSplit = pictures.filter((picture) => picture.split === split);
    return classes.flatMap((name, label) => {
      const prints = inSplit.filter((picture) => picture.label === label).map(({ print }) => print);
      if (prints.length === 0) return [];
      const of = (value: (print: Fingerprint) => number): Quartiles => quartiles(prints.map(value));
      return [
        {
          split,
          class: name,
          pictures: prints.length,
          share: prints.length / inSplit.length,
          width: of(({ width }) => width),
          height: of(({ height }) => height),
          aspect: of(({ width, height }) => width / height),
          fileBytes: of(({ fileBytes }) => fileBytes),
          brightness: of(({ mean }) => mean),
          contrast: of(({ deviation }) => deviation),
          levels: meanLevels(prints),
          aspects: aspectCounts(prints),
          sizes: sizesOf(prints),
        },
      ];
    });
  });
}

/** Linear between neighbours, as numpy's default. */
function quartiles(values: readonly number[]): Quartiles {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => {
    const place = share * (sorted.length - 1);
    const below = Math.floor(place);
    return sorted[below]! + (place - below) * ((sorted[below + 1] ?? sorted[below]!) - sorted[below]!);
  };
  return [at(0), at(0.25), at(0.5), at(0.75), at(1)];
}

function meanLevels(prints: readonly Fingerprint[]): number[] {
  const sums = Array.from({ length: LEVEL_BINS }, () => 0);
  for (const { levels } of prints) levels.forEach((share, bin) => (sums[bin]! += share));
  return sums.map((sum) => sum / prints.length);
}

function aspectCounts(prints: readonly Fingerprint[]): number[] {
  const counts = Array.from({ length: ASPECT_BINS }, () => 0);
  for (const { width, height } of prints) {
    const bin = Math.round(8 * Math.log2(width / height)) + (ASPECT_BINS - 1) / 2;
    counts[Math.max(0, Math.min(ASPECT_BINS - 1, bin))]! += 1;
  }
  return counts;
}

/** Rounded ever more coarsely until few are left. */
function sizesOf(prints: readonly Fingerprint[]): PictureCount[] {
  for (let step = 1; ; step *= 2) {
    const cells = new Map<string, { width: number; height: number; pictures: number }>();
    for (const { width, height } of prints) {
      const key = `${Math.round(width / step)} ${Math.round(height / step)}`;
      const cell = cells.get(key) ?? { width: 0, height: 0, pictures: 0 };
      cells.set(key, { width: cell.width + width, height: cell.height + height, pictures: cell.pictures + 1 });
    }
    if (cells.size > MOST_SIZES) continue;
    return [...cells.values()]
      .map(({ width, height, pictures }) => ({ width: width / pictures, height: height / pictures, pictures }))
      .sort((a, b) => a.width - b.width || a.height - b.height);
  }
}
