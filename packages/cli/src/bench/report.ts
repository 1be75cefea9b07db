import type { Device } from "@fracture/tensor";
import { describeAdapter } from "../device.ts";
import type { Io } from "../io.ts";
import { formatBytes, formatNumber } from "../output/format.ts";
import { formatTable, type Column } from "../output/table.ts";
import type { Explanation } from "./explain.ts";
import { formatExplanation } from "./explainReport.ts";
import type { Timing } from "./measure.ts";

/** One measurement. Names as they are in the JSON, which is an interface to other programs. */
export interface BenchRow {
  readonly name: string;
  readonly median_ms: number;
  readonly min_ms: number;
  readonly repeats: number;
  readonly images_per_s?: number;
  readonly gflop_per_s?: number;
  readonly gbyte_per_s?: number;
  readonly explanation?: Explanation;
  readonly [more: string]: unknown;
}

/** The columns that every row has. */
export const timed = ({ medianMs, minMs, repeats }: Timing): Pick<BenchRow, "median_ms" | "min_ms" | "repeats"> => ({
  median_ms: medianMs,
  min_ms: minMs,
  repeats,
});

/** Rates of a kernel from its cost: 1e9 operations, and 1e9 bytes that have to be moved at least, per second. */
export const rates = (
  { flop, bytes }: { readonly flop: number; readonly bytes: number },
  { medianMs }: Timing,
): Pick<BenchRow, "gflop_per_s" | "gbyte_per_s"> => ({
  gflop_per_s: flop / medianMs / 1e6,
  gbyte_per_s: bytes / medianMs / 1e6,
});

/** A row of work on so many pictures. */
export const picturesRow = (name: string, pictures: number, timing: Timing): BenchRow => ({
  name,
  ...timed(timing),
  images_per_s: (pictures * 1000) / timing.medianMs,
  images: pictures,
});

const COLUMNS: readonly Column<BenchRow>[] = [
  { title: "", cell: ({ name }) => name },
  numeric("ms", ({ median_ms }) => median_ms),
  numeric("images/s", ({ images_per_s }) => images_per_s),
  numeric("GFLOP/s", ({ gflop_per_s }) => gflop_per_s),
  numeric("GB/s", ({ gbyte_per_s }) => gbyte_per_s),
  // Of `tune`.
  { title: "fastest", cell: ({ variant }) => (typeof variant === "string" ? variant : "") },
  { title: "by rule", cell: ({ rule }) => (typeof rule === "string" ? rule : "") },
  numeric("ms", ({ rule_ms }) => (typeof rule_ms === "number" ? rule_ms : undefined)),
];

function numeric(title: string, value: (row: BenchRow) => number | undefined): Column<BenchRow> {
  const cell = (row: BenchRow): string => {
    const found = value(row);
    return found === undefined ? "" : formatNumber(found);
  };
  return { title, align: "right", cell };
}

/** Prints rows as a table (only the columns that say something), with notes under it, or as JSON. */
export function printRows(
  io: Io,
  device: Device,
  rows: readonly BenchRow[],
  { json, each = false }: { readonly json: boolean; readonly each?: boolean },
): void {
  if (json) {
    const { device: adapter, description: driver, software } = device.info;
    const report = { adapter, driver, software, date: new Date().toISOString(), rows };
    io.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    return;
  }
  io.stdout.write(`${describeAdapter(device.info)}\n\n`);
  io.stdout.write(
    formatTable(
      rows,
      COLUMNS.filter(({ title, cell }) => title === "" || rows.some((row) => cell(row) !== "")),
    ),
  );
  const notes = rows.flatMap(networkNote);
  if (notes.length > 0) io.stdout.write(`\n${notes.join("\n")}\n`);
  for (const { explanation } of rows) if (explanation) io.stdout.write(`\n${formatExplanation(explanation, { each })}`);
}

/** What a captured program is made of. */
function networkNote(row: BenchRow): string[] {
  if (typeof row["lost"] === "number") return [lossNote(row["lost"])];
  if (typeof row["kernels"] !== "number") return [];
  const [slots, unshared, live] = [row["slot_bytes"], row["unshared_bytes"], row["live_bytes"]].map((bytes) =>
    formatBytes(Number(bytes)),
  );
  return [
    `${row["kernels"]} kernels in ${String(row["dispatches"])} dispatches, compiled in ${formatNumber(Number(row["compile_ms"]) / 1000)} s`,
    `${slots} of intermediates (${unshared} without sharing), ${live} in all`,
    `agrees with the eager run (largest relative difference ${formatNumber(Number(row["largest_error"]))})`,
    ...(typeof row["idle_between_steps"] === "number"
      ? [
          `between steps that are queued in a row the device idles for ${formatNumber(row["idle_between_steps"] * 100)}% of the time`,
        ]
      : []),
  ];
}

/** What the whole loop may lose against its bare step. */
const LARGEST_LOSS = 0.05;

const lossNote = (lost: number): string =>
  lost < 0
    ? `the training loop keeps up with the bare step (${formatNumber(-lost * 100)}% faster, the machine's noise)`
    : `the training loop loses ${formatNumber(lost * 100)}% against the bare step (at most ${LARGEST_LOSS * 100}% is wanted)`;
