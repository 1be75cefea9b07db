import type { SplitName } from "../data/split.ts";
import type { Fingerprint } from "./fingerprint.ts";

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
}

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
