// Runs a case on every side, in turns; checks that the results are the same; gives rows of figures.
import { say } from "../../scripts/lib/workspace.mjs";
import { isPython, precisionOf } from "./sides.mjs";
import { geometricMean, medianOf, relativeDifference } from "./statistics.mjs";

/**
 * How far results may be apart by their norm: losses step by step, logits, samples of a kernel's result. f32 sums in another order
 * differ by less than a tenth of this; TF32 and f16 round each product's operands to 11 bits.
 */
const AGREEMENT = { f32: 1e-3, tf32: 1e-2, f16: 1e-2, mixed: 3e-2 };

/** One case: { name, ...its sizes, rows }, and `failed` with the reason where two sides disagree or ran on different adapters. */
export async function compare(name, { sides, ...task }, start, turns) {
  const outputs = new Map(Object.keys(sides).map((side) => [side, []]));
  for (let turn = 1; turn <= turns; turn++) {
    for (const [side, rounds] of Object.entries(sides)) {
      if (outputs.get(side).some(({ unavailable }) => unavailable)) continue;
      say(`${name}, turn ${turn} of ${turns}: ${side}`);
      outputs.get(side).push(await start(side, { ...task, rounds }));
    }
  }
  const ours = outputs.get("fracture");
  const rows = [...outputs].map(([side, runs]) => {
    const missing = runs.find(({ unavailable }) => unavailable);
    if (missing) return { name: side, unavailable: missing.unavailable };
    return {
      name: side,
      versions: runs[0].versions,
      adapter: runs[0].adapter,
      parts: parts(task, runs, ours[0]),
    };
  });
  const reasons = [...disagreements(rows, task), ...strangers(rows)];
  const failed = reasons.length > 0 ? { failed: reasons.join("\n") } : {};
  return { name, ...task, rows: rows.map((row) => (row.unavailable ? row : withRatios(row, rows[0]))), ...failed };
}

function parts(task, runs, ours) {
  return runs[0].parts.map((part, i) => {
    const all = runs.map((run) => run.parts[i]);
    const expected = ours.parts[i].results;
    const difference = expected ? Math.max(...all.map(({ results }) => relativeDifference(results, expected))) : null;
    const median = medianOf(all.flatMap(({ wall_ms }) => wall_ms));
    const { flop, bytes } = task.parts?.[i] ?? {};
    return {
      name: part.name,
      median_ms: median,
      median_cpu_ms: medianOf(all.flatMap(({ cpu_ms }) => cpu_ms)),
      ...(task.batch ? { images_per_s: (task.batch / median) * 1000 } : {}),
      ...(flop ? { gflop_per_s: flop / median / 1e6 } : {}),
      ...(bytes ? { gbyte_per_s: bytes / median / 1e6 } : {}),
      ...(typeof part.dispatches === "number" ? { dispatches: part.dispatches } : {}),
      difference,
      times: part.times,
      wall_ms: all.map(({ wall_ms }) => wall_ms),
      cpu_ms: all.map(({ cpu_ms }) => cpu_ms),
    };
  });
}

function disagreements(rows, task) {
  return rows.flatMap(({ name, parts = [] }) => {
    const limit = Math.max(AGREEMENT[task.precision], AGREEMENT[precisionOf(name, task)]);
    return parts
      .filter(({ difference }) => difference !== null && !(difference <= limit))
      .map((part) => {
        const what = [name, part.name].filter(Boolean).join(", ");
        return `${what}: its results differ from ours by ${part.difference.toExponential(1)}, more than ${limit}`;
      });
  });
}

/** Sides on WebGPU must have run on the same adapter; PyTorch calls the same GPU by another name. */
function strangers(rows) {
  return rows
    .filter(
      ({ name, adapter }) => adapter && !isPython(name) && JSON.stringify(adapter) !== JSON.stringify(rows[0].adapter),
    )
    .map(({ name, adapter }) => `${name} ran on ${adapter.device}, ours on ${rows[0].adapter.device}`);
}

/** How many times as fast ours is: geometric means over the parts. */
function withRatios(row, ours) {
  const ratio = (figure) => geometricMean(row.parts.map((part, i) => part[figure] / ours.parts[i][figure]));
  return { ...row, ours_faster: ratio("median_ms"), ours_faster_by_cpu: ratio("median_cpu_ms") };
}
