import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import type { nn, Shape } from "@fracture/tensor";

interface Stored {
  readonly dtype: "f32" | "i64";
  readonly shape: Shape;
  readonly data: readonly (number | "inf")[];
}

const at = (name: string): URL => new URL(`../testdata/${name}`, import.meta.url);

export const fixturePath = (name: string): string => at(name).pathname;

export const fixture = (name: string): Uint8Array<ArrayBuffer> => Uint8Array.from(readFileSync(at(name)));

/** What torch says is in each fixture (testdata/make.py). */
export function expectedStates(): Readonly<Record<string, Readonly<Record<string, Stored>>>> {
  return JSON.parse(gunzipSync(readFileSync(at("expected.json.gz"))).toString()) as ReturnType<typeof expectedStates>;
}

/** Shapes of torchvision's whole networks by name. */
export function networkShapes(): Readonly<Record<string, Readonly<Record<string, Shape>>>> {
  return JSON.parse(gunzipSync(readFileSync(at("shapes.json.gz"))).toString()) as ReturnType<typeof networkShapes>;
}

/** A state dict in the form of `expectedStates`. */
export function asStored(state: nn.StateDict): Readonly<Record<string, Stored>> {
  return Object.fromEntries(
    [...state].map(([name, { dtype, shape, data }]) => [
      name,
      {
        dtype,
        shape: [...shape],
        data: Array.from<number | bigint, number | "inf">(data, (x) => (x === Infinity ? "inf" : Number(x))),
      },
    ]),
  );
}
