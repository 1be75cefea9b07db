/**
 * How often the 95% intervals of computeMetrics hold the truth: scores are normal, 1 apart in deviation, with means `distance` apart,
 * so the true figures are known. Run after `tsc -b`:  node packages/train/src/evaluate/testdata/coverage.mjs [sets] [draws]
 */
import { computeMetrics } from "../../../dist/evaluate/metrics.js";

const sets = Number(process.argv[2] ?? 1000);
const resamples = Number(process.argv[3] ?? 400);

/** `films` of one patient share a part of their score: their correlation is 0.5. */
const CASES = [
  { positives: 100, negatives: 100, distance: 1.2, films: 1 },
  { positives: 100, negatives: 100, distance: 2.5, films: 1 },
  { positives: 40, negatives: 40, distance: 1.2, films: 1 },
  { positives: 40, negatives: 40, distance: 2.5, films: 1 },
  { positives: 30, negatives: 170, distance: 1.6, films: 1 },
  { positives: 120, negatives: 120, distance: 1.2, films: 3 },
  { positives: 120, negatives: 120, distance: 1.2, films: 3, ignored: true },
];
const FIGURES = ["accuracy", "balancedAccuracy", "precision", "recall", "specificity", "f1", "rocAuc", "averagePrecision", "logLoss"];

let state = 12345;
const uniform = () => {
  // mulberry32
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
};
const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());

/** The upper tail of the standard normal distribution, by Simpson's rule. */
function tail(x) {
  if (x < 0) return 1 - tail(-x);
  const [steps, end] = [400, Math.max(x, 0) + 9];
  const h = (end - x) / steps;
  let sum = 0;
  for (let i = 0; i <= steps; i++) sum += (i === 0 || i === steps ? 1 : i % 2 ? 4 : 2) * Math.exp(-((x + i * h) ** 2) / 2);
  return (sum * h) / 3 / Math.sqrt(2 * Math.PI);
}

/** The probability of a score is the posterior one at equal class counts; what is decided is where it exceeds one half. */
const probability = (score, distance) => 1 / (1 + Math.exp(-distance * (score - distance / 2)));

function truth({ positives: m, negatives: n, distance: d }) {
  const rate = tail(-d / 2); // sensitivity and specificity
  const wrong = n * (1 - rate);
  let [averagePrecision, loss] = [0, 0];
  const h = 0.01;
  for (let z = -8; z <= 8; z += h) {
    const density = (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * h;
    averagePrecision += (density * m * tail(z)) / (m * tail(z) + n * tail(z + d));
    loss -= density * Math.log(probability(z + d, d));
  }
  return {
    accuracy: rate,
    balancedAccuracy: rate,
    recall: rate,
    specificity: rate,
    precision: (m * rate) / (m * rate + wrong),
    f1: (2 * m * rate) / (m * rate + wrong + m),
    rocAuc: tail(-d / Math.SQRT2),
    averagePrecision,
    logLoss: loss,
  };
}

const lines = [];
for (const example of CASES) {
  const { positives, negatives, distance, films, ignored = false } = example;
  const expected = truth(example);
  const held = Object.fromEntries(FIGURES.map((figure) => [figure, 0]));
  for (let set = 0; set < sets; set++) {
    const [labels, probabilities, groups] = [[], [], []];
    let shared = 0;
    for (let i = 0; i < positives + negatives; i++) {
      const positive = i < positives;
      if (i % films === 0) shared = normal();
      const noise = films === 1 ? shared : (shared + normal()) / Math.SQRT2;
      const p = probability(noise + (positive ? distance : 0), distance);
      labels.push(positive ? 0 : 1);
      probabilities.push(p, 1 - p);
      groups.push(Math.floor(i / films));
    }
    const given = { classes: ["fractured", "not fractured"], labels, probabilities };
    const { intervals } = computeMetrics(given, { seed: set, resamples, ...(films > 1 && !ignored ? { groups } : {}) });
    for (const figure of FIGURES) {
      const [low, high] = intervals[figure] ?? [NaN, NaN];
      if (low <= expected[figure] && expected[figure] <= high) held[figure]++;
    }
  }
  const what = `${positives} + ${negatives}, AUC ${expected.rocAuc.toFixed(2)}${films > 1 ? `, ${films} films a patient${ignored ? ", patients not told" : ""}` : ""}`;
  lines.push([what, ...FIGURES.map((figure) => ((100 * held[figure]) / sets).toFixed(1))]);
  console.error(lines.at(-1).join("  "));
}
console.log(`| positives + negatives | ${FIGURES.join(" | ")} |\n| --- |${" --- |".repeat(FIGURES.length)}`);
for (const line of lines) console.log(`| ${line.join(" | ")} |`);
