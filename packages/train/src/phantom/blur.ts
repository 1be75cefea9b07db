/** Gaussian blur of a [size, size] image in place, its standard deviation in pixels; edges are continued by their last pixel. */
export function blur(image: Float32Array, size: number, deviation: number): void {
  // A narrower Gaussian changes nothing that an 8-bit picture shows.
  if (deviation < 0.15) return;
  const kernel = gaussian(deviation);
  const radius = (kernel.length - 1) / 2;
  const line = new Float32Array(size + 2 * radius);
  for (const [step, stride] of [
    [1, size],
    [size, 1],
  ] as const) {
    for (let i = 0; i < size; i++) {
      const start = i * stride;
      for (let k = 0; k < line.length; k++) {
        line[k] = image[start + Math.min(size - 1, Math.max(0, k - radius)) * step]!;
      }
      for (let k = 0; k < size; k++) {
        let sum = 0;
        for (let tap = 0; tap < kernel.length; tap++) sum += kernel[tap]! * line[k + tap]!;
        image[start + k * step] = sum;
      }
    }
  }
}

function gaussian(deviation: number): Float64Array {
  const radius = Math.max(1, Math.ceil(3 * deviation));
  const kernel = Float64Array.from({ length: 2 * radius + 1 }, (_, i) =>
    Math.exp(-0.5 * ((i - radius) / deviation) ** 2),
  );
  const sum = kernel.reduce((total, weight) => total + weight, 0);
  return kernel.map((weight) => weight / sum);
}

/** A [from, from] image enlarged to [to, to], linear between the middles of its pixels. */
export function enlarge(image: Float32Array, from: number, to: number): Float32Array {
  const enlarged = new Float32Array(to * to);
  const cells = new Int32Array(to);
  const shares = new Float64Array(to);
  for (let pixel = 0; pixel < to; pixel++) {
    const position = Math.min(from - 1, Math.max(0, ((pixel + 0.5) * from) / to - 0.5));
    cells[pixel] = Math.min(from - 2, Math.floor(position));
    shares[pixel] = position - cells[pixel]!;
  }
  for (let row = 0; row < to; row++) {
    const top = cells[row]! * from;
    const ty = shares[row]!;
    for (let column = 0; column < to; column++) {
      const corner = top + cells[column]!;
      const tx = shares[column]!;
      const above = image[corner]! * (1 - tx) + image[corner + 1]! * tx;
      const below = image[corner + from]! * (1 - tx) + image[corner + from + 1]! * tx;
      enlarged[row * to + column] = above * (1 - ty) + below * ty;
    }
  }
  return enlarged;
}

/** The means over blocks of [factor, factor] of an image: from [size * factor, size * factor] to [size, size]. */
export function average(image: Float32Array, size: number, factor: number): Float32Array {
  if (factor === 1) return image;
  const means = new Float32Array(size * size);
  const width = size * factor;
  for (let row = 0; row < width; row++) {
    const start = Math.floor(row / factor) * size;
    for (let column = 0; column < width; column++) {
      means[start + Math.floor(column / factor)]! += image[row * width + column]! / (factor * factor);
    }
  }
  return means;
}
