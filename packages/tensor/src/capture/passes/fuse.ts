import type { DeviceLimits } from "@fracture/kernels";
import type { Storage } from "../../storage.ts";
import type { Recording, Step } from "../recording.ts";
import { accumulateProducts } from "./accumulateProducts.ts";
import { Flow } from "./flow.ts";
import { momentsFromProduct } from "./momentsFromProduct.ts";
import { normIntoProduct } from "./normIntoProduct.ts";
import { surroundNorms } from "./surroundNorms.ts";
import { wholeGradients } from "./wholeGradients.ts";

/** In the order in which they run. */
const PASSES = { normIntoProduct, momentsFromProduct, surroundNorms, accumulateProducts, wholeGradients } as const;

/** A way to compute a program with fewer kernels, or with less memory, to the same result but for rounding. */
export type Fusion = keyof typeof PASSES;

/** All of them. */
export const FUSIONS = Object.keys(PASSES) as Fusion[];

/** The steps with the wanted fusions. Each of them knows kernels by what their plans were made from, and plans them anew. */
export function fuse(
  steps: readonly Step[],
  recording: Recording,
  outputs: ReadonlySet<Storage>,
  limits: DeviceLimits,
  wanted: readonly Fusion[],
): Step[] {
  return FUSIONS.filter((fusion) => wanted.includes(fusion)).reduce<Step[]>(
    (before, fusion) => {
      const flow = new Flow(before, recording, outputs);
      PASSES[fusion](flow, limits);
      return flow.steps();
    },
    [...steps],
  );
}
