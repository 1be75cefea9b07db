/** softmax of each row in f64. */
export function softmaxReference(x: ArrayLike<number>, columns: number): Float64Array {
  const y = Float64Array.from(x);
  for (let base = 0; base < y.length; base += columns) {
    const row = y.subarray(base, base + columns);
    const largest = Math.max(...row);
    const total = row.reduce((sum, v) => sum + Math.exp(v - largest), 0);
    row.forEach((v, j) => (row[j] = Math.exp(v - largest) / total));
  }
  return y;
}

/** log(softmax) of each row in f64. */
export function logSoftmaxReference(x: ArrayLike<number>, columns: number): Float64Array {
  const y = Float64Array.from(x);
  for (let base = 0; base < y.length; base += columns) {
    const row = y.subarray(base, base + columns);
    const largest = Math.max(...row);
    const logTotal = Math.log(row.reduce((sum, v) => sum + Math.exp(v - largest), 0));
    row.forEach((v, j) => (row[j] = v - largest - logTotal));
  }
  return y;
}

export interface CrossEntropyReference {
  readonly losses: Float64Array;
  readonly loss: number;
  readonly totalWeight: number;
  /** The gradient of `loss`. */
  readonly dlogits: Float64Array;
}

/** torch's CrossEntropyLoss in f64; a label of no class is ignored. The gradient is written from the definition, term by term. */
export function crossEntropyReference(
  logits: ArrayLike<number>,
  labels: ArrayLike<number>,
  weights: ArrayLike<number>,
  labelSmoothing = 0,
  reduction: "mean" | "sum" = "mean",
): CrossEntropyReference {
  const classes = weights.length;
  const logs = logSoftmaxReference(logits, classes);
  const losses = new Float64Array(labels.length);
  const dlogits = new Float64Array(logits.length);
  let totalWeight = 0;
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!;
    if (label >= classes) continue;
    totalWeight += weights[label]!;
    for (let k = 0; k < classes; k++) {
      // the coefficient of -log softmax[k]
      const target = weights[k]! * (labelSmoothing / classes + (k === label ? 1 - labelSmoothing : 0));
      losses[i]! -= target * logs[i * classes + k]!;
      for (let j = 0; j < classes; j++)
        dlogits[i * classes + j]! += target * (Math.exp(logs[i * classes + j]!) - (j === k ? 1 : 0));
    }
  }
  const divisor = reduction === "mean" ? totalWeight : 1;
  return {
    losses,
    loss: losses.reduce((a, b) => a + b, 0) / divisor,
    totalWeight: divisor,
    dlogits: dlogits.map((v) => v / divisor),
  };
}
