import type { Device } from "@fracture/tensor";
import type { Progress } from "../output/progress.ts";
import { MEASURED_COPIES, measureCopies } from "./copies.ts";
import type { MeasureOptions } from "./measure.ts";
import { measureMatmul } from "./products.ts";

/** A rate that was reached on this device, and by what: no kernel can be expected to be faster. */
export interface Ceiling {
  /** 1e9 operations or bytes a second. */
  readonly rate: number;
  readonly measured: string;
}

/** What a device was seen to reach. */
export interface Ceilings {
  /** Operations of the best product, by the type of its operands. f16 is null where the device has none. */
  readonly flop: { readonly f32: Ceiling; readonly f16: Ceiling | null };
  /** Bytes of copies on the device, reads and writes counted. */
  readonly bytes: Ceiling;
}

export type ProductType = keyof Ceilings["flop"];

/** Square products whose best rate counts: large enough to fill the device. */
const SIZES = { cpu: [512, 1024], gpu: [1024, 2048, 4096] } as const;
const MEASURING = { warmUp: 1, repeats: 3 };

/** Measures matrix products of several sizes, checked, and copies on the device. */
export async function measureCeilings(
  device: Device,
  { signal }: Pick<MeasureOptions, "signal">,
  progress: Progress,
): Promise<Ceilings> {
  const options = { ...MEASURING, signal };
  const ceilings: Ceiling[] = [];
  for (const size of SIZES[device.limits.deviceClass]) {
    progress.update(`measuring the ceilings: product of ${size} x ${size} x ${size}`);
    const { name, gflop_per_s } = await measureMatmul(device, { m: size, n: size, k: size }, options);
    ceilings.push({ rate: gflop_per_s!, measured: name });
  }
  progress.update("measuring the ceilings: copies");
  const copies = await measureCopies(device, options);
  return {
    flop: { f32: best(ceilings), f16: null },
    bytes: { rate: copies.gbyte_per_s, measured: MEASURED_COPIES },
  };
}

/** The highest of some rates. */
export const best = (ceilings: readonly Ceiling[]): Ceiling =>
  ceilings.reduce((highest, ceiling) => (ceiling.rate > highest.rate ? ceiling : highest));
