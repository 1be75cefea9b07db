import { ResNet } from "@fracture/resnet";
import type { Device, nn } from "@fracture/tensor";

/** Uniform numbers in [-1, 1): Wellons' lowbias32 of (stream, index), which a script in another language can repeat. */
export function hashed(count: number, stream: number): Float64Array {
  const first = Math.imul(stream, 0x9e3779b9);
  return Float64Array.from({ length: count }, (_, i) => {
    let x = (i + first) >>> 0;
    x ^= x >>> 16;
    x = Math.imul(x, 0x7feb352d);
    x ^= x >>> 15;
    x = Math.imul(x, 0x846ca68b);
    x ^= x >>> 16;
    return (x >>> 0) / 2 ** 31 - 1;
  });
}

/** A ResNet-18's state dict by a formula: filters and head as if drawn, batch norms as they begin. */
export async function formulaWeights(device: Device, classes: number): Promise<nn.StateDict> {
  const model = new ResNet({ architecture: "resnet18", classes, device, generator: null });
  const state = new Map(await model.stateDict());
  model.dispose();
  for (const [stream, [name, { shape, data }]] of [...state].entries()) {
    const filters = shape.length === 4;
    if (!filters && !name.startsWith("fc.")) continue;
    const deviation = filters ? Math.sqrt(2 / (shape[0]! * shape[2]! * shape[3]!)) : 1 / Math.sqrt(512);
    const numbers = hashed(data.length, stream).map((u) => u * deviation * Math.sqrt(3));
    state.set(name, { dtype: "f32", shape, data: Float32Array.from(numbers) });
  }
  return state;
}

/** Names whose tensors are not the same in both, to the last bit, or are in one only. */
export function differingNames(a: nn.StateDict, b: nn.StateDict): string[] {
  const bytes = (state: nn.StateDict, name: string): Buffer => {
    const data = state.get(name)?.data;
    return data ? Buffer.from(data.buffer, data.byteOffset, data.byteLength) : Buffer.alloc(0);
  };
  return [...new Set([...a.keys(), ...b.keys()])].filter((name) => !bytes(a, name).equals(bytes(b, name)));
}
