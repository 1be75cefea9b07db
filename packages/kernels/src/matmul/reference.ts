/** Y = op(A) op(B) + bias in f64: the oracle of the matmul plans. A is [m, k] or, transposed, [k, m]; B [k, n] or [n, k]. */
export function matmulReference(
  {
    m,
    n,
    k,
    transposeA = false,
    transposeB = false,
  }: { m: number; n: number; k: number; transposeA?: boolean; transposeB?: boolean },
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  bias?: ArrayLike<number>,
): Float64Array {
  const y = new Float64Array(m * n);
  for (let row = 0; row < m; row++) {
    for (let column = 0; column < n; column++) {
      let sum = bias ? bias[column]! : 0;
      for (let i = 0; i < k; i++)
        sum += a[transposeA ? i * m + row : row * k + i]! * b[transposeB ? column * k + i : i * n + column]!;
      y[row * n + column] = sum;
    }
  }
  return y;
}
