import { nn } from "@fracture/tensor";

/** The finaliser of MurmurHash3. */
function fmix32(word: number): number {
  let x = word;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

/** f32 values in [-1, 1): a pure function of (seed, index). The same as ../testdata/oracle.py's, as is all of this file. */
function uniform(count: number, seed: number): Float32Array<ArrayBuffer> {
  const offset = Math.imul(seed, 0x9e3779b9);
  return Float32Array.from({ length: count }, (_, i) => fmix32((i + offset) >>> 0) / 2 ** 31 - 1);
}

/** Pseudo-random weights for a model, by the order of its state dict: filters by He, batch norms near the identity. */
export function hashState(state: nn.StateDict): nn.StateDict {
  return new Map(
    [...state].map(([name, entry], index): [string, nn.StateEntry] => {
      if (entry.dtype === "i64") return [name, entry];
      const { shape } = entry;
      const value = ((): ((u: number) => number) => {
        if (name.endsWith("running_mean")) return () => 0;
        if (name.endsWith("running_var")) return () => 1;
        if (shape.length === 4) return (u) => u * Math.sqrt(6 / (shape[0]! * shape[2]! * shape[3]!));
        if (shape.length === 2) return (u) => u * Math.sqrt(3 / shape[1]!);
        return name.endsWith("weight") ? (u) => 0.6 + 0.3 * u : (u) => 0.1 * u;
      })();
      return [name, { dtype: "f32", shape, data: uniform(entry.data.length, index + 1).map(value) }];
    }),
  );
}

/** Pictures [n, size, size, 3]: blocks of 8 x 8 pixels and some noise. */
export function pictures(n: number, size: number, seed: number): Float32Array<ArrayBuffer> {
  const side = size / 8;
  const blocks = uniform(n * 3 * side * side, seed);
  const noise = uniform(n * 3 * size * size, seed + 1);
  return Float32Array.from({ length: n * size * size * 3 }, (_, at) => {
    const channel = at % 3;
    const column = Math.floor(at / 3) % size;
    const row = Math.floor(at / (3 * size)) % size;
    const plane = Math.floor(at / (3 * size * size)) * 3 + channel;
    const block = blocks[(plane * side + (row >> 3)) * side + (column >> 3)]!;
    return block * 1.5 + noise[(plane * size + row) * size + column]! * 0.25;
  });
}

/** The norm of a tensor and sums of its elements with pseudo-random signs. */
export type Prints = readonly number[];

/**
 * How far a tensor (in torch's layout) is from the one whose prints are given, relative to the latter's norm: the mean
 * square of the differences of randomly signed sums estimates the squared norm of the difference.
 */
export function distance(values: ArrayLike<number>, [norm, ...expected]: Prints): number {
  const sums = new Float64Array(expected.length);
  for (let i = 0; i < values.length; i++) {
    const word = fmix32(i + 1);
    for (let bit = 0; bit < sums.length; bit++) sums[bit]! += values[i]! * (((word >>> bit) & 1) * 2 - 1);
  }
  const squares = expected.map((sum, bit) => (sums[bit]! - sum) ** 2);
  return Math.sqrt(squares.reduce((a, b) => a + b, 0) / squares.length) / norm!;
}

/** The tensor that is farthest from the prints of its name. Throws where the names differ. */
export function worstDistance(
  state: nn.StateDict,
  prints: Readonly<Record<string, Prints>>,
): { readonly name: string; readonly distance: number } {
  const names = [...state.keys()].toSorted();
  if (names.join() !== Object.keys(prints).toSorted().join())
    throw new Error(`other names than the prints': ${names.join()}`);
  const found = [...state].map(([name, { data }]) => ({
    name,
    distance: distance(Array.from(data, Number), prints[name]!),
  }));
  return found.reduce((a, b) => (b.distance > a.distance ? b : a));
}

/** The gradients of a model by the names of its parameters, in torch's layout. */
export async function gradientsOf(model: nn.Module): Promise<nn.StateDict> {
  const result = new Map<string, nn.StateEntry>();
  for (const [name, { shape, grad }] of model.namedParameters()) {
    if (!grad) throw new Error(`${name} has no gradient`);
    result.set(name, nn.toTorchLayout(shape, (await grad.data()) as Float32Array<ArrayBuffer>));
  }
  return result;
}
