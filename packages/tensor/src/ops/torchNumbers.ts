import { readFileSync } from "node:fs";
import type { OpNumbers } from "../testing/index.ts";

/** An op's case as makeTorchNumbers.py wrote it. */
export interface TorchCase extends OpNumbers {
  /** Of batch norm: running mean and variance after one forward pass. */
  readonly running?: readonly (readonly number[])[];
  /** Of cross-entropy. */
  readonly labels?: readonly number[];
  readonly weights?: readonly number[];
}

const file = JSON.parse(readFileSync(new URL("torch.json", import.meta.url), "utf8")) as {
  readonly cases: Readonly<Record<string, TorchCase>>;
};

/** A case by its name. */
export function torchCase(name: string): TorchCase {
  const found = file.cases[name];
  if (!found) throw new Error(`torch.json has no case ${name}: run makeTorchNumbers.py`);
  return found;
}
