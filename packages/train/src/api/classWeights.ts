/** Samples / (classes * samples of the class), as scikit-learn's "balanced": [classes]. Every class must have a sample. */
export function balancedWeights(labels: readonly number[], classes: number): number[] {
  const counts = Array.from({ length: classes }, () => 0);
  for (const label of labels) counts[label]! += 1;
  return counts.map((count) => labels.length / (classes * count));
}
