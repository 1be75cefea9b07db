import { softmaxRows } from "../evaluate/softmax.ts";

/** Rows of logits [n, classes] whose largest is the label's; the first of equal ones counts, as in numpy's argmax. */
export function countCorrect(logits: ArrayLike<number>, labels: ArrayLike<number>, classes: number): number {
  let correct = 0;
  for (let row = 0; row < labels.length; row++) {
    let best = 0;
    for (let c = 1; c < classes; c++) if (logits[row * classes + c]! > logits[row * classes + best]!) best = c;
    if (best === labels[row]) correct += 1;
  }
  return correct;
}

/** Mean cross-entropy (nats) of logits [n, classes], in f64; NaN where a logit is. */
export function crossEntropy(logits: ArrayLike<number>, labels: ArrayLike<number>, classes: number): number {
  const probabilities = softmaxRows(logits, classes);
  let sum = 0;
  for (let row = 0; row < labels.length; row++) {
    sum -= Math.log(Math.max(probabilities[row * classes + labels[row]!]!, Number.MIN_VALUE));
  }
  return sum / labels.length;
}
