/** Probabilities [n, classes] from logits [n, classes] over a temperature, in f64, each row shifted by its largest logit. */
export function softmaxRows(logits: ArrayLike<number>, classes: number, temperature = 1): Float64Array<ArrayBuffer> {
  const result = new Float64Array(logits.length);
  for (let start = 0; start < logits.length; start += classes) {
    let largest = -Infinity;
    for (let c = 0; c < classes; c++) largest = Math.max(largest, logits[start + c]!);
    let total = 0;
    for (let c = 0; c < classes; c++) {
      const value = Math.exp((logits[start + c]! - largest) / temperature);
      result[start + c] = value;
      total += value;
    }
    for (let c = 0; c < classes; c++) result[start + c]! /= total;
  }
  return result;
}
