import type { ClassMetrics, Metrics } from "@fracture/train";
import { columnsOf, formatCount, formatInterval, plural } from "./format.ts";
import { formatTable, type Column } from "./table.ts";

type Figure = "precision" | "recall" | "f1" | "rocAuc";
type Row = Pick<ClassMetrics, "class" | "intervals" | Figure> & { readonly support: number | null };

/** Classes that have a line each; of more, those with the lowest F1. */
const MOST_CLASSES = 30;
/** Characters of a name, and of a line with the matrix in it. */
const LONGEST_NAME = 40;
const LONGEST_HEADING = 20;
const WIDEST_LINE = 110;

/** The figures of each of several classes against all others, and their means; of two classes nothing. */
export function formatClasses({ perClass, macro, weighted, positiveClass }: Metrics): string {
  if (positiveClass !== null) return "";
  const shown =
    perClass.length <= MOST_CLASSES
      ? perClass
      : perClass.toSorted((a, b) => (a.f1 ?? 0) - (b.f1 ?? 0)).slice(0, MOST_CLASSES);
  const rows: readonly Row[] = [
    ...shown.map((row) => ({ ...row, class: shortName(row.class) })),
    { class: "mean", support: null, ...macro },
    { class: "mean by pictures", support: null, ...weighted },
  ];
  const column = (title: string, figure: Figure): Column<Row> => ({
    title,
    cell: ({ [figure]: value, intervals: { [figure]: interval } }) =>
      value === null ? "undefined" : `${value.toFixed(3)}${interval ? ` (${formatInterval(interval)})` : ""}`,
  });
  const table = formatTable(rows, [
    { title: "class", cell: (row) => row.class },
    { title: "pictures", cell: ({ support }) => (support === null ? "" : formatCount(support)), align: "right" },
    column("precision", "precision"),
    column("recall", "recall"),
    column("F1", "f1"),
    column("AUC", "rocAuc"),
  ]);
  const others =
    shown.length < perClass.length
      ? `The ${MOST_CLASSES} classes with the lowest F1; metrics.json has all ${formatCount(perClass.length)}.\n`
      : "";
  return `\n${table}${others}`;
}

/** Counts by true and predicted class. Where names are long, they are numbered, and the columns have the numbers. */
export function formatConfusion({ classes, confusionMatrix }: Metrics): string {
  if (classes.length > MOST_CLASSES)
    return `The confusion matrix of ${plural(classes.length, "class", "classes")} is among the plots.\n`;
  const counts = confusionMatrix.map((row) => row.map(formatCount));
  const widths = classes.map((name, i) => Math.max(columnsOf(name), ...counts.map((row) => row[i]!.length)));
  const line = Math.max(...classes.map(columnsOf)) + widths.reduce((sum, width) => sum + width + 2, 0);
  const numbered = line > WIDEST_LINE || classes.some((name) => columnsOf(name) > LONGEST_HEADING);
  const rows = classes.map((name, i) => ({
    name: numbered ? `${String(i + 1).padStart(String(classes.length).length)}  ${shortName(name)}` : name,
    counts: counts[i]!,
  }));
  return formatTable(rows, [
    { title: "true class \\ predicted", cell: ({ name }) => name },
    ...classes.map((name, i) => ({
      title: numbered ? String(i + 1) : name,
      cell: (row: (typeof rows)[number]) => row.counts[i]!,
      align: "right" as const,
    })),
  ]);
}

/** A long name without its middle: both ends tell it from its neighbours. */
function shortName(name: string): string {
  const characters = Array.from(name);
  if (characters.length <= LONGEST_NAME) return name;
  const tail = Math.floor(LONGEST_NAME / 3);
  return `${characters.slice(0, LONGEST_NAME - tail - 1).join("")}…${characters.slice(-tail).join("")}`;
}
