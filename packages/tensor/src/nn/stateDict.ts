import type { Shape } from "../shape.ts";

/** One saved tensor on the host, in torch's layout. */
export type StateEntry =
  | { readonly dtype: "f32"; readonly shape: Shape; readonly data: Float32Array<ArrayBuffer> }
  | { readonly dtype: "i64"; readonly shape: Shape; readonly data: BigInt64Array<ArrayBuffer> };

/** Name -> tensor, in the module's order of definition. */
export type StateDict = ReadonlyMap<string, StateEntry>;

/** [O][H][W][I] in the engine -> OIHW in the file, for tensors of four dimensions; others are the same in both. */
export function toTorchLayout(shape: Shape, data: Float32Array<ArrayBuffer> | null): StateEntry {
  if (shape.length !== 4) return { dtype: "f32", shape, data: data ?? new Float32Array() };
  const [o, h, w, i] = shape as [number, number, number, number];
  return { dtype: "f32", shape: [o, i, h, w], data: data ? swap(data, o, h * w, i) : new Float32Array() };
}

/** OIHW in the file -> [O][H][W][I] in the engine, for tensors of four dimensions. Integers become floats. */
export function toEngineLayout(entry: StateEntry): { readonly shape: Shape; readonly data: Float32Array<ArrayBuffer> } {
  const data = entry.dtype === "f32" ? entry.data : Float32Array.from(entry.data, Number);
  if (entry.shape.length !== 4) return { shape: entry.shape, data };
  const [o, i, h, w] = entry.shape as [number, number, number, number];
  return { shape: [o, h, w, i], data: swap(data, o, i, h * w) };
}

/** [outer][a][b] -> [outer][b][a] */
function swap(data: Float32Array<ArrayBuffer>, outer: number, a: number, b: number): Float32Array<ArrayBuffer> {
  const result = new Float32Array(data.length);
  for (let n = 0; n < outer; n++) {
    const base = n * a * b;
    for (let i = 0; i < a; i++) for (let j = 0; j < b; j++) result[base + j * a + i] = data[base + i * b + j]!;
  }
  return result;
}
