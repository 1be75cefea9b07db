import { formatNumber, plural } from "../output/format.ts";
import { formatTable, type Column } from "../output/table.ts";
import type { Cost, Explanation } from "./explain.ts";

type Line = Partial<Cost> & { readonly name: string };

const percent = (share: number): string => `${(share * 100).toFixed(1)}%`;

function column(title: string, key: keyof Cost, show: (value: number) => string): Column<Line> {
  return { title, align: "right", cell: (line) => (line[key] === undefined ? "" : show(Number(line[key]))) };
}

/** "0.0094", "12.3" */
const small = (value: number): string =>
  value < 1 && value >= 1e-3 ? String(Number(value.toPrecision(2))) : formatNumber(value);

/** Of a kernel that has no such cost, such as a copy without operations, nothing is shown. */
const orNothing =
  (show: (value: number) => string) =>
  (value: number): string =>
    value === 0 ? "" : show(value);

const COLUMNS: readonly Column<Line>[] = [
  { title: "", cell: ({ name }) => name },
  column("kernels", "kernels", String),
  column("dispatches", "dispatches", String),
  column("ms", "ms", small),
  column("of the sum", "share", percent),
  column("least ms", "floor_ms", small),
  column(
    "GFLOP",
    "flop",
    orNothing((flop) => small(flop / 1e9)),
  ),
  column("GFLOP/s", "gflop_per_s", orNothing(small)),
  column("of ceiling", "of_flop_ceiling", orNothing(percent)),
  column("MB", "bytes", (bytes) => small(bytes / 1e6)),
  column("GB/s", "gbyte_per_s", small),
  column("of ceiling", "of_byte_ceiling", percent),
];

/** An explanation for people: by kind, and with `each` every dispatch in the program's order. */
export function formatExplanation(explanation: Explanation, { each }: { readonly each: boolean }): string {
  const { kinds, total, ceilings, between_ms, replay_ms, repeats } = explanation;
  const { flop, bytes } = ceilings;
  const rate = (name: string, ceiling: { rate: number; measured: string } | null, unit: string): string[] =>
    ceiling ? [`  ${name}  ${formatNumber(ceiling.rate)} ${unit} (${ceiling.measured})`] : [];
  return [
    `By the device's clock, a pass for every dispatch, median of ${plural(repeats, "replay")}:`,
    "",
    formatTable<Line>([...kinds, total], COLUMNS).trimEnd(),
    ...(each ? ["", "In the order of the program:", "", formatTable(lines(explanation), EACH_COLUMNS).trimEnd()] : []),
    "",
    `the dispatches' sum ${formatNumber(total.ms)} ms, between them ${formatNumber(between_ms)} ms; a replay as a whole ${formatNumber(replay_ms)} ms`,
    '"least ms" is what the ceilings allow: for each kernel its operations or its bytes (every operand once), whichever takes longer. The ceilings:',
    ...rate("operations, f32", flop.f32, "GFLOP/s"),
    ...rate("operations, f16", flop.f16, "GFLOP/s"),
    ...rate("bytes          ", bytes, "GB/s"),
    "",
  ].join("\n");
}

const EACH_COLUMNS = COLUMNS.filter(({ title }) => title !== "kernels" && title !== "dispatches");

/** A line a kernel, and under those of several passes one for each. */
function lines({ each, total }: Explanation): Line[] {
  return each.flatMap((kernel): Line[] => [
    kernel,
    ...(kernel.passes.length === 1
      ? []
      : kernel.passes.map(({ label, ms }) => ({ name: `    ${label}`, ms, share: ms / total.ms }))),
  ]);
}
