// Runs a case on every side, in turns; checks that the results are the same; gives rows of figures.
import { say, SetupError } from "../../scripts/lib/workspace.mjs";
import { isPython, precisionOf } from "./sides.mjs";
import { geometricMean, medianOf, relativeDifference } from "./statistics.mjs";

/**
 * How far results may be apart by their norm: losses step by step, logits, samples of a kernel's result. f32 sums in another order
 * differ by less than a tenth of this; TF32 and f16 round each product's operands to 11 bits.
 */
const AGREEMENT = { f32: 1e-3, tf32: 1e-2, f16: 1e-2, mixed: 3e-2 };

/**
 * One case: { name, ...its sizes, rows }. A row is `unavailable` where this machine lacks what a peer needs or the peer broke, and
 * `wrong` where it computed something else or elsewhere than ours; what broke or is wrong is told in `failed` too.
 */
export async function compare(name, { sides, ...task }, start, turns) {
  const outputs = new Map(Object.keys(sides).map((side) => [side, []]));
  for (let turn = 1; turn <= turns; turn++) {
    for (const [side, rounds] of Object.entries(sides)) {
      if (outputs.get(side).some(({ unavailable }) => unavailable)) continue;
      say(`${name}, turn ${turn} of ${turns}: ${side}`);
      outputs.get(side).push(await runSide(start, side, { ...task, rounds }));
    }
  }
  const ours = outputs.get("fracture");
  const rows = [...outputs].map(([side, runs]) => {
    const missing = runs.find(({ unavailable }) => unavailable);
    if (missing) return { name: side, ...missing };
    return {
      name: side,
      versions: runs[0].versions,
      adapter: runs[0].adapter,
      parts: parts(task, runs, ours[0]),
    };
  });
  const judged = rows.map((row) => {
    if (row.unavailable) return row;
    const wrong = [...disagreements(row, task), ...stranger(row, rows[0])];
    return { ...withRatios(row, rows[0]), ...(wrong.length > 0 ? { wrong: wrong.join("\n") } : {}) };
  });
  const reasons = judged.flatMap((row) => row.wrong ?? (row.broke ? row.unavailable : []));
  return { name, ...task, rows: judged, ...(reasons.length > 0 ? { failed: reasons.join("\n") } : {}) };
}

/** A peer that breaks leaves the others' figures as they are; ours must not. */
async function runSide(start, side, task) {
  try {
    return await start(side, task);
  } catch (error) {
    if (side === "fracture" || !(error instanceof SetupError)) throw error;
    return { unavailable: error.message, broke: true };
  }
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

function disagreements({ name, parts }, task) {
  const limit = Math.max(AGREEMENT[task.precision], AGREEMENT[precisionOf(name, task)]);
  return parts
    .filter(({ difference }) => difference !== null && !(difference <= limit))
    .map((part) => {
      const what = [name, part.name].filter(Boolean).join(", ");
      return `${what}: its results differ from ours by ${part.difference.toExponential(1)}, more than ${limit}`;
    });
}

/** Sides on WebGPU must have run on the same adapter; PyTorch calls the same GPU by another name. */
function stranger({ name, adapter }, ours) {
  if (isPython(name) || JSON.stringify(adapter) === JSON.stringify(ours.adapter)) return [];
  return [`${name} ran on ${adapter.device}, ours on ${ours.adapter.device}`];
}

/** How many times as fast ours is: geometric means over the parts. */
function withRatios(row, ours) {
  const ratio = (figure) => geometricMean(row.parts.map((part, i) => part[figure] / ours.parts[i][figure]));
  return { ...row, ours_faster: ratio("median_ms"), ours_faster_by_cpu: ratio("median_cpu_ms") };
}
