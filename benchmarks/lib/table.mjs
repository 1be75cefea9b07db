// A case's figures for people.

const COLUMNS = [
  ["median ms", ({ median_ms }) => precise(median_ms)],
  ["images/s", ({ images_per_s }) => precise(images_per_s)],
  ["GFLOP/s", ({ gflop_per_s }) => precise(gflop_per_s)],
  ["GB/s", ({ gbyte_per_s }) => precise(gbyte_per_s)],
  ["cpu ms", ({ median_cpu_ms }) => precise(median_cpu_ms)],
  ["dispatches", ({ dispatches }) => dispatches?.toString()],
  ["ours is faster by", ({ ratio }) => ratio && `${ratio.toFixed(2)} x`],
  ["(by cpu)", ({ cpuRatio }) => cpuRatio && `${cpuRatio.toFixed(2)} x`],
  ["difference of results", ({ difference }) => difference?.toExponential(1)],
];

const precise = (value) => (value === undefined ? undefined : value >= 100 ? value.toFixed(0) : value.toPrecision(3));

export function showCase({ name, kind, size, batch, precision, resident, rows }) {
  const what = { train: "ResNet-50 training step with Adam", infer: "ResNet-50 forward", kernels: "single kernels" }[
    kind
  ];
  const sizes = size ? `, ${size} x ${size}, batch ${batch}${resident ? ", pictures on the device" : ""}` : "";
  const lines = rows.flatMap((row) => (row.unavailable ? [] : linesOf(row, rows[0])));
  const columns = COLUMNS.filter(([, cell]) => lines.some((line) => cell(line)));
  const cells = [
    ["", ...columns.map(([title]) => title)],
    ...lines.map((line) => [line.title, ...columns.map(([, cell]) => cell(line) ?? "")]),
  ];
  const widths = cells[0].map((_, i) => Math.max(...cells.map((row) => row[i].length)));
  const print = (row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join("   ");
  console.log(`\n${name}: ${what}, ${precision}${sizes}\n${cells.map(print).join("\n")}`);
  for (const row of rows) if (row.unavailable) console.log(`${row.name}: not here. ${row.unavailable}`);
}

function linesOf(row, ours) {
  const against = row !== ours && row.name !== ours.name;
  const lines = row.parts.map((part, i) => ({
    ...part,
    title: [row.name, part.name].filter(Boolean).join("  "),
    ratio: against ? part.median_ms / ours.parts[i].median_ms : undefined,
    cpuRatio: against ? part.median_cpu_ms / ours.parts[i].median_cpu_ms : undefined,
    difference: against ? part.difference : undefined,
  }));
  if (!against || lines.length === 1) return lines;
  return [...lines, { title: `${row.name}  geometric mean`, ratio: row.ours_faster, cpuRatio: row.ours_faster_by_cpu }];
}
