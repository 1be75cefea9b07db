// What ours is to reach on a GPU, and how each figure comes out of the cases and of the command line's own reports.

/** A speed at which something else is computed is none. */
const isRight = (row) => !row.unavailable && !row.wrong;

/** ours_faster of a side in a case; of several sides the least favourable. */
const against =
  (name, ...sides) =>
  ({ cases }) => {
    const rows = cases[name]?.rows?.filter((row) => sides.includes(row.name) && isRight(row)) ?? [];
    return rows.length > 0 ? Math.min(...rows.map((row) => row.ours_faster)) : null;
  };

const partAgainst =
  (name, side, part) =>
  ({ cases }) => {
    const find = (wanted) =>
      cases[name]?.rows?.find((row) => row.name === wanted && isRight(row))?.parts.find((found) => found.name === part);
    const [theirs, ours] = [find(side), find("fracture")];
    return theirs && ours ? theirs.median_ms / ours.median_ms : null;
  };

/** The slowest part of a norm case, as a share of the fastest copy that any side reached. */
const ofCopies =
  (name) =>
  ({ cases }) => {
    const rates = (case_, sides) =>
      cases[case_]?.rows
        ?.filter((row) => sides(row.name) && isRight(row))
        .flatMap(({ parts }) => parts.map(({ gbyte_per_s }) => gbyte_per_s)) ?? [];
    const [ours, copies] = [rates(name, (side) => side === "fracture"), rates("gpu-copy", () => true)];
    return ours.length > 0 && copies.length > 0 ? Math.min(...ours) / Math.max(...copies) : null;
  };

const idle =
  (report) =>
  ({ reports }) =>
    reports[report]?.rows?.[0]?.idle_between_steps ?? null;

const LARGE = "4096 x 4096 x 4096";

/** `most` where less is better. */
export const TARGETS = [
  {
    name: "f16 GEMM 4096 cubed, against cuBLAS f16",
    least: 0.35,
    aim: 0.5,
    value: partAgainst("gpu-gemm-f16", "torch f16", LARGE),
  },
  {
    name: "f32 GEMM 4096 cubed, against cuBLAS with TF32 off",
    least: 0.7,
    aim: 0.9,
    value: partAgainst("gpu-gemm-f32", "torch f32", LARGE),
  },
  {
    name: "convolutions of ResNet-50, f16, geometric mean, against cuDNN channels_last",
    least: 0.35,
    aim: 0.6,
    value: against("gpu-conv-f16", "torch f16"),
  },
  {
    name: "batch norm + ReLU, both ways, f16, of the copy bandwidth",
    least: 0.7,
    aim: 0.85,
    value: ofCopies("gpu-norm-f16"),
  },
  {
    name: "batch norm + ReLU, both ways, f32, of the copy bandwidth",
    least: 0.7,
    aim: 0.85,
    value: ofCopies("gpu-norm-f32"),
  },
  {
    name: "ResNet-50 training step, mixed, against AMP channels_last",
    least: 0.5,
    aim: 1,
    value: against("gpu-train-mixed", "torch amp"),
  },
  {
    name: "the same in f32, against TF32 off",
    least: 0.8,
    aim: 1,
    value: against("gpu-train-f32", "torch f32", "torch f32 channels_last"),
  },
  { name: "inference, mixed, against AMP eager", least: 0.7, aim: 1.2, value: against("gpu-infer-mixed", "torch amp") },
  {
    name: "latency of one image, mixed, against AMP eager",
    least: 1,
    aim: 2,
    value: against("gpu-latency-mixed", "torch amp"),
  },
  {
    name: "latency of one image, f32, against f32 eager",
    least: 1,
    aim: 2,
    value: against("gpu-latency-f32", "torch f32"),
  },
  { name: "training step, against tfjs-backend-webgpu", least: 20, aim: 50, value: against("gpu-train-tfjs", "tfjs") },
  { name: "the GPU idles between steps, mixed", most: 0.03, value: idle("step-mixed") },
  { name: "the GPU idles between steps, f32", most: 0.03, value: idle("step-f32") },
];

/** Each target with its value, null where it was not measured, and whether it is met. */
export function judge(measured) {
  return TARGETS.map(({ value, ...target }) => {
    const found = value(measured);
    const met = found === null ? null : target.most === undefined ? found >= target.least : found <= target.most;
    return { ...target, value: found, met };
  });
}
