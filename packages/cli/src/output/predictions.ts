import type { CsvCell, Prediction, UnreadablePrediction } from "@fracture/train";
import type { Sink } from "../io.ts";
import { printable } from "./format.ts";
import { StreamedTable, type Column } from "./table.ts";

/** What is printed of every prediction, beside path, class and probabilities. */
export interface Shown {
  readonly logits: boolean;
  /** What the loader did to the picture. JSON has it always. */
  readonly verbose: boolean;
  readonly explanations: boolean;
}

/** Prints predictions as they come, and keeps none of them. */
export interface PredictionWriter {
  prediction(prediction: Prediction): void;
  /** A picture that can't be read: only JSON has a place for it; for all the others it is told on stderr. */
  unreadable(file: UnreadablePrediction): void;
  end(): void;
}

export type PredictionFormat = "table" | "csv" | "json" | "jsonl";

export function predictionWriter(
  format: PredictionFormat,
  out: Sink,
  shown: Shown,
  csvLine: (cells: readonly CsvCell[]) => string,
): PredictionWriter {
  if (format === "csv") return csvWriter(out, shown, csvLine);
  return format === "table" ? tableWriter(out, shown) : jsonWriter(out, shown, format === "jsonl");
}

const conversionsOf = ({ source }: Prediction): string[] => source.conversions.map(({ text }) => text);

/** An array with a line each, or the lines alone. */
function jsonWriter(out: Sink, { logits }: Shown, lines: boolean): PredictionWriter {
  let count = 0;
  const put = (value: object): void => {
    const before = lines ? "" : count === 0 ? "[\n" : ",\n";
    out.write(`${before}${JSON.stringify(value)}${lines ? "\n" : ""}`);
    count += 1;
  };
  return {
    prediction: (prediction) => {
      const { path, class: found, probabilities, threshold, distance, source, explanation } = prediction;
      put({
        path,
        class: found,
        probabilities,
        threshold,
        ...(distance ? { distance } : {}),
        ...(logits ? { logits: prediction.logits } : {}),
        source: { ...source, conversions: conversionsOf(prediction) },
        ...(explanation ? { explanation } : {}),
      });
    },
    unreadable: ({ path, error }) => put({ path, error }),
    end: () => {
      if (!lines) out.write(count === 0 ? "[]\n" : "\n]\n");
    },
  };
}

function csvWriter(
  out: Sink,
  { logits, verbose, explanations }: Shown,
  csvLine: (cells: readonly CsvCell[]) => string,
): PredictionWriter {
  let begun = false;
  const head = ({ classes, distance }: Prediction): string[] => {
    const names = (kind: string): string[] => classes.map((name) => `${kind}_${name}`);
    return [
      "path",
      "class",
      ...names("prob"),
      "threshold",
      ...(distance ? ["distance", "distance_percentile", "far"] : []),
      ...(logits ? names("logit") : []),
      ...(verbose ? ["format", "width", "height", "bits", "colour", "conversions"] : []),
      ...(explanations ? ["explanation"] : []),
    ];
  };
  return {
    prediction: (prediction) => {
      if (!begun) out.write(csvLine(head(prediction)));
      begun = true;
      const { path, class: found, classes, probabilities, threshold, distance, source, explanation } = prediction;
      const { format, width, height, bits, colour } = source;
      out.write(
        csvLine([
          path,
          found,
          ...classes.map((name) => probabilities[name]!),
          threshold?.value ?? "",
          ...(distance ? [distance.value, distance.percentile, distance.far] : []),
          ...(logits ? prediction.logits : []),
          ...(verbose ? [format, width, height, bits, colour, conversionsOf(prediction).join("; ")] : []),
          ...(explanations ? [explanation?.file ?? ""] : []),
        ]),
      );
    },
    unreadable: () => {},
    end: () => {},
  };
}

function tableWriter(out: Sink, shown: Shown): PredictionWriter {
  let table: StreamedTable<Prediction> | null = null;
  let threshold: Prediction["threshold"] = null;
  let far = 0;
  return {
    prediction: (prediction) => {
      table ??= new StreamedTable(out, columns(prediction, shown));
      threshold = prediction.threshold;
      if (prediction.distance?.far) far += 1;
      table.row(prediction);
    },
    unreadable: () => {},
    end: () => {
      if (!table) return;
      table.end();
      out.write("\n");
      if (threshold)
        out.write(
          `"${printable(threshold.class)}" is decided for from a probability of ${threshold.value.toFixed(3)} on.\n`,
        );
      if (far > 0)
        out.write(
          "FAR: the picture is unlike what the model was trained on, and what is said of it means little. The column tells how\nmany of the validation images lie nearer.\n",
        );
    },
  };
}

function columns({ distance }: Prediction, { logits, verbose, explanations }: Shown): Column<Prediction>[] {
  return [
    { title: "picture", cell: ({ path }) => path },
    { title: "class", cell: (prediction) => className(prediction.class) },
    {
      title: "probability",
      cell: ({ class: found, probabilities }) => probabilities[found]!.toFixed(3),
      align: "right",
    },
    ...(distance ? [{ title: "farther than", cell: farther, align: "right" as const }] : []),
    ...(logits
      ? [{ title: "logits", cell: (row: Prediction) => row.logits.map((value) => value.toFixed(3)).join(" ") }]
      : []),
    ...(explanations ? [{ title: "heat map", cell: (row: Prediction) => row.explanation?.file ?? "" }] : []),
    ...(verbose ? [{ title: "file", cell: fileOf }] : []),
  ];
}

const farther = ({ distance }: Prediction): string =>
  distance ? `${distance.far ? "FAR " : ""}${distance.percentile.toFixed(1)}%` : "";

/** "DICOM, 2048 x 2500, 12 bits, grey: window 2048/4096 applied; MONOCHROME1 inverted" */
function fileOf(prediction: Prediction): string {
  const { format, width, height, bits, colour } = prediction.source;
  const done = conversionsOf(prediction);
  const head = `${format.toUpperCase()}, ${width} x ${height}, ${bits} ${bits === 1 ? "bit" : "bits"}, ${colour}`;
  return done.length === 0 ? head : `${head}: ${done.join("; ")}`;
}

/** Published weights number their classes: a number alone would look like anything. */
const className = (name: string): string => (/^\d+$/.test(name) ? `class ${name}` : name);
