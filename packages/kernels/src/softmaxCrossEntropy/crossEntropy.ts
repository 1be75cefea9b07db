import { GeometryError } from "../errors.ts";
import type { DeviceLimits } from "../limits.ts";
import { checkSizes, definePass, type KernelPass, type KernelPlan } from "../plan.ts";
import { checkBindingSizes, F32_READ, F32_WRITE, U32_READ } from "../elementwise/flat.ts";
import { rowPass, type RowStep } from "./rows.ts";

export interface CrossEntropyGeometry {
  /** Examples. */
  readonly rows: number;
  readonly classes: number;
  /** With an operand `weights` [classes]. */
  readonly weighted?: boolean;
  /** From 0 to 1, 0 where it is left out: as torch's `label_smoothing`. */
  readonly labelSmoothing?: number;
  /** "mean" where it is left out: the sum of the losses over the sum of their labels' weights. */
  readonly reduction?: "mean" | "sum";
}

/** A label that is no class, any from `classes` up: its row adds neither loss nor gradient, like torch's `ignore_index`. */
export const IGNORED_LABEL = 0xffff_ffff;

function check(kernel: string, { rows, classes, labelSmoothing = 0 }: CrossEntropyGeometry): void {
  checkSizes(kernel, { rows, classes });
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1))
    throw new GeometryError(kernel, "labelSmoothing must be from 0 to 1", { labelSmoothing });
}

const nameOf = (kernel: string, { rows, classes, weighted }: CrossEntropyGeometry): string =>
  `${kernel} [${rows},${classes}]${weighted ? " weighted" : ""}`;

/** Steps that every row begins with: the weight of its label, its largest logit and the sum of the exponentials. */
const STEPS: readonly RowStep[] = [
  { fold: "max", name: "largest", value: "logits[base + j]" },
  { fold: "sum", name: "total", value: "exp(logits[base + j] - largest)" },
];

const weightOf = (weighted: boolean | undefined): string =>
  `fn weightOf(class_: u32) -> f32 { return ${weighted ? "weights[class_]" : "1.0"}; }\n`;

/**
 * torch's CrossEntropyLoss over logits [rows, classes] and class numbers. Operands: `logits` f32, `labels` [rows] u32,
 * `weights` [classes] f32 if `weighted`; written: `losses` [rows], each -weight[label] * log softmax(logits)[label] (with
 * smoothing e: (1 - e) times that, plus e / classes times the sum over the classes of -weight * log softmax), `loss` [1],
 * and `totalWeight` [1], by which the mean was divided (1 for "sum"): the backward plan reads it.
 * The rows' largest logit is subtracted first. Rows are data: another batch compiles nothing.
 */
export function planCrossEntropy(geometry: CrossEntropyGeometry, limits: DeviceLimits): KernelPlan {
  check("crossEntropy", geometry);
  const { rows, classes, weighted, labelSmoothing = 0, reduction = "mean" } = geometry;
  const name = nameOf("crossEntropy", geometry);
  const weights = weighted ? { weights: F32_READ } : {};
  const operands = {
    logits: rows * classes * 4,
    labels: rows * 4,
    ...(weighted ? { weights: classes * 4 } : {}),
    losses: rows * 4,
    loss: 4,
    totalWeight: 4,
  };
  checkBindingSizes(name, operands, limits);
  const losses = rowPass(
    {
      label: `${name} rows`,
      bindings: { logits: F32_READ, labels: U32_READ, ...weights, losses: F32_WRITE },
      params: { smoothing: { f32: labelSmoothing } },
      functions: weightOf(weighted),
      rows,
      columns: classes,
      steps: [
        ...STEPS,
        // (largest - logit) + log(total), in this order, keeps the digits of a small loss
        {
          fold: "sum",
          name: "everyClass",
          value: "select(0.0, weightOf(j) * (log(total) + (largest - logits[base + j])), params.smoothing > 0.0)",
        },
        {
          once: `let label = labels[row];
    var loss = 0.0;
    if (label < params.columns) {
      loss = (1.0 - params.smoothing) * weightOf(label) * (log(total) + (largest - logits[base + label])) + params.smoothing / f32(params.columns) * everyClass;
    }
    losses[row] = loss;`,
        },
      ],
    },
    limits,
  );
  return {
    name,
    operands,
    workspace: {},
    flop: 5 * rows * classes,
    bytes: Object.values(operands).reduce((a, b) => a + b),
    passes: [losses, meanPass(`${name} mean`, geometry, reduction === "mean")],
  };
}

const MEAN_LANES = 64;

/** One workgroup adds up losses and weights: lanes take strided rows, then a tree over the lanes. */
function meanPass(label: string, { rows, classes, weighted }: CrossEntropyGeometry, mean: boolean): KernelPass {
  return definePass({
    label,
    bindings: {
      losses: F32_READ,
      labels: U32_READ,
      ...(weighted ? { weights: F32_READ } : {}),
      loss: F32_WRITE,
      totalWeight: F32_WRITE,
    },
    params: { rows: { u32: rows }, columns: { u32: classes }, mean: { u32: mean ? 1 : 0 } },
    body: `${weightOf(weighted)}var<workgroup> sums: array<vec2f, ${MEAN_LANES}>;
@compute @workgroup_size(${MEAN_LANES}) fn main(@builtin(local_invocation_index) lane: u32) {
  var sum = vec2f();
  for (var row = lane; row < params.rows; row += ${MEAN_LANES}u) {
    let label = labels[row];
    if (label < params.columns) { sum += vec2f(losses[row], weightOf(label)); }
  }
  sums[lane] = sum;
  workgroupBarrier();
  for (var half = ${MEAN_LANES / 2}u; half > 0u; half /= 2u) {
    if (lane < half) { sums[lane] += sums[lane + half]; }
    workgroupBarrier();
  }
  if (lane == 0u) {
    let divisor = select(1.0, sums[0].y, params.mean == 1u);
    loss[0] = sums[0].x / divisor;
    totalWeight[0] = divisor;
  }
}`,
    workgroups: [1, 1, 1],
  });
}

/**
 * The gradient of `loss`: dlogits[i, j] = dloss / totalWeight * ((1 - e) * weight[label] * (softmax[j] - (j == label)) +
 * e / classes * (softmax[j] * sum of weights - weight[j])). Operands `logits`, `labels`, `weights` if weighted,
 * `totalWeight` [1] (the forward plan's), `dloss` [1], and `dlogits`, which is written. `reduction` is in totalWeight.
 */
export function planCrossEntropyBackward(geometry: CrossEntropyGeometry, limits: DeviceLimits): KernelPlan {
  check("crossEntropy.backward", geometry);
  const { rows, classes, weighted, labelSmoothing = 0 } = geometry;
  const name = nameOf("crossEntropy.backward", geometry);
  const bytes = rows * classes * 4;
  const operands = {
    logits: bytes,
    labels: rows * 4,
    ...(weighted ? { weights: classes * 4 } : {}),
    totalWeight: 4,
    dloss: 4,
    dlogits: bytes,
  };
  checkBindingSizes(name, operands, limits);
  const pass = rowPass(
    {
      label: name,
      bindings: {
        logits: F32_READ,
        labels: U32_READ,
        ...(weighted ? { weights: F32_READ } : {}),
        totalWeight: F32_READ,
        dloss: F32_READ,
        dlogits: F32_WRITE,
      },
      params: { smoothing: { f32: labelSmoothing } },
      functions: `${weightOf(weighted)}
fn gradient(probability: f32, j: u32, label: u32, weightSum: f32) -> f32 {
  if (label >= params.columns) { return 0.0; }
  let hard = (1.0 - params.smoothing) * weightOf(label) * (probability - select(0.0, 1.0, j == label));
  let smooth_ = params.smoothing / f32(params.columns) * (probability * weightSum - weightOf(j));
  return dloss[0] / totalWeight[0] * (hard + smooth_);
}
`,
      rows,
      columns: classes,
      steps: [
        ...STEPS,
        { fold: "sum", name: "weightSum", value: "weightOf(j)" },
        { each: "dlogits[base + j] = gradient(exp(logits[base + j] - largest) / total, j, labels[row], weightSum);" },
      ],
    },
    limits,
  );
  return {
    name,
    operands,
    workspace: {},
    flop: 8 * rows * classes,
    bytes: Object.values(operands).reduce((a, b) => a + b),
    passes: [pass],
  };
}
