import type { Columns } from "../data/columns.ts";
import { valuesOf } from "./columnValues.ts";
import { metricsOf, type SplitOutcome } from "./report.ts";
import type { Interval } from "./wilson.ts";

export { NO_VALUE } from "./columnValues.ts";

export interface SubgroupFigure {
  /** Null where it is undefined: no picture of a class that it needs. */
  readonly value: number | null;
  /** 95% */
  readonly interval: Interval | null;
}

/** The pictures of a split that have one value in a column of the CSV file. */
export interface Subgroup {
  readonly column: string;
  /** As the file has it, or from which number to which; NO_VALUE where the cell is empty. */
  readonly value: string;
  readonly samples: number;
  /** Films or patients where these are known, else the samples. */
  readonly units: number;
  /** Pictures of each class, in the order of the classes. */
  readonly perClass: readonly number[];
  /** There are fewer units than FEWEST_UNITS: no figures are given, they would be noise. */
  readonly tooFew: boolean;
  /** By name, accuracy first. */
  readonly figures: Readonly<Record<string, SubgroupFigure>>;
}

/** The figures of a split by the values of the data set's own columns. */
export interface Subgroups {
  readonly split: string;
  readonly rows: readonly Subgroup[];
  /** Columns that were left out. */
  readonly leftOut: readonly { readonly column: string; readonly why: string }[];
}

/** Of fewer pictures (films, patients) a figure's interval reaches over most of what it could be. */
export const FEWEST_UNITS = 10;
/** A column of more kinds is a name or a date, not a property. */
const MOST_KINDS = 20;

/**
 * The figures of a split for each value of each column, with their intervals: kinds as they are, numbers in quartiles. Values with few
 * pictures are listed without figures. Temperature and threshold are the split's.
 *
 * @param columns what a CSV file says of its pictures; null: no CSV file
 * @returns null where there is nothing to say
 */
export function subgroupsOf(outcome: SplitOutcome, columns: Columns | null): Subgroups | null {
  const { split, paths } = outcome;
  const leftOut: { column: string; why: string }[] = [];
  const rows = (columns?.names ?? []).flatMap((column) => {
    const cells = paths.map((path) => columns!.of.get(path)?.get(column) ?? "");
    const values = valuesOf(cells);
    if (values.length < 2) {
      leftOut.push({ column, why: cells.every((cell) => cell === "") ? "is empty" : "is the same in all pictures" });
      return [];
    }
    if (values.length > MOST_KINDS) {
      leftOut.push({ column, why: `has ${values.length} values` });
      return [];
    }
    return values.map(({ value, members }) => subgroup(outcome, column, value, members));
  });
  return rows.length + leftOut.length === 0 ? null : { split, rows, leftOut };
}

function subgroup(outcome: SplitOutcome, column: string, value: string, members: readonly number[]): Subgroup {
  const { classes, labels, groups } = outcome;
  const own = members.map((i) => labels[i]!);
  const units = groups ? new Set(members.map((i) => groups[i]!)).size : members.length;
  const tooFew = units < FEWEST_UNITS;
  const perClass = classes.map((_, label) => own.filter((one) => one === label).length);
  if (tooFew) return { column, value, samples: members.length, units, perClass, tooFew, figures: {} };
  const { accuracy, recall, specificity, rocAuc, intervals, positiveClass } = metricsOf(outcome, members);
  const figures: Record<string, SubgroupFigure> = {
    accuracy: { value: accuracy, interval: intervals.accuracy },
    // Of more than two classes these are means over the classes, whose shares differ from group to group.
    ...(positiveClass === null
      ? {}
      : {
          sensitivity: { value: recall, interval: intervals.recall },
          specificity: { value: specificity, interval: intervals.specificity },
        }),
    AUC: { value: rocAuc, interval: intervals.rocAuc },
  };
  return { column, value, samples: members.length, units, perClass, tooFew, figures };
}
