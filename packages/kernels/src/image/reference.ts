import { pictureWords, type ImageGeometry } from "./geometry.ts";
import { VIEW_WORD, VIEW_WORDS } from "./view.ts";

/** Views by definition, in f64: every pixel of the picture is weighed for every pixel of a view. `words` as packViews makes them. */
export function imageReference(
  g: ImageGeometry,
  pictures: Uint32Array<ArrayBuffer>,
  words: Uint32Array<ArrayBuffer>,
): Float64Array {
  const { height, width, channels, size, n } = g;
  const bytes = new Uint8Array(pictures.buffer, pictures.byteOffset, pictures.byteLength);
  const floats = new Float32Array(words.buffer, words.byteOffset, words.length);
  const y = new Float64Array(n * size * size * 3);
  for (let i = 0; i < n * size * size; i++) {
    const view = Math.floor(i / size / size) * VIEW_WORDS;
    const of = (key: keyof typeof VIEW_WORD): number => floats[view + VIEW_WORD[key]]!;
    const [u, v] = [(i % size) + 0.5, (Math.floor(i / size) % size) + 0.5];
    const x = of("xx") * u + of("xy") * v + of("x0");
    const yy = of("yx") * u + of("yy") * v + of("y0");
    const picture = words[view + VIEW_WORD.picture]! * pictureWords(g) * 4;
    const sums = new Float64Array(3);
    let total = 0;
    for (let row = 0; row < height; row++) {
      const rowWeight = 1 - Math.abs(row + 0.5 - yy) / of("reachY");
      if (rowWeight <= 0) continue;
      for (let column = 0; column < width; column++) {
        const weight = rowWeight * Math.max(0, 1 - Math.abs(column + 0.5 - x) / of("reachX"));
        total += weight;
        for (let c = 0; c < 3; c++)
          sums[c]! += weight * bytes[picture + (row * width + column) * channels + (c % channels)]!;
      }
    }
    const inside = x >= 0 && x <= width && yy >= 0 && yy <= height;
    sums.forEach((sum, c) => {
      const level = inside ? sum / total / 255 : 0;
      const bright = cut(level * of("brightness"));
      const contrasted = cut(bright * of("contrast") + (1 - of("contrast")) * of("pivot"));
      y[i * 3 + c] = (contrasted - g.mean[c]!) / g.std[c]!;
    });
  }
  return y;
}

const cut = (level: number): number => Math.min(1, Math.max(0, level));
