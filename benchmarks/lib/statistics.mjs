export function medianOf(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** |a - b| / |b| by the Euclidean norm, over as many values as both have. */
export function relativeDifference(a, b) {
  const count = Math.min(a.length, b.length);
  if (count === 0) return Infinity;
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < count; i++) {
    difference += (a[i] - b[i]) ** 2;
    norm += b[i] ** 2;
  }
  const relative = Math.sqrt(difference / norm);
  return Number.isNaN(relative) ? Infinity : relative;
}

/** The least-squares slope of y over x. */
export function slopeOf(xs, ys) {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [mx, my] = [mean(xs), mean(ys)];
  const products = xs.map((x, i) => (x - mx) * (ys[i] - my));
  return products.reduce((sum, p) => sum + p, 0) / xs.reduce((sum, x) => sum + (x - mx) ** 2, 0);
}

export function geometricMean(values) {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}
