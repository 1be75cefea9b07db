import type { ActivationType } from "@fracture/kernels";
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
  /** Operations of the best product, by the type of its operands. f16 is null where nobody asked for it. */
  readonly flop: { readonly f32: Ceiling; readonly f16: Ceiling | null };
  /** Bytes of copies on the device, reads and writes counted. */
  readonly bytes: Ceiling;
}

/** Square products whose best rate counts: large enough to fill the device. */
const SIZES = { cpu: [512, 1024], gpu: [1024, 2048, 4096] } as const;
const MEASURING = { warmUp: 1, repeats: 3 };

/** Measures matrix products of several sizes, checked, and copies on the device. Halves only where they are wanted: not every device has them. */
export async function measureCeilings(
  device: Device,
  { halves }: { readonly halves: boolean },
  { signal }: Pick<MeasureOptions, "signal">,
  progress: Progress,
): Promise<Ceilings> {
  const options = { ...MEASURING, signal };
  const best = async (dtype: ActivationType): Promise<Ceiling> => {
    const ceilings: Ceiling[] = [];
    for (const size of SIZES[device.limits.deviceClass]) {
      progress.update(`measuring the ceilings: ${dtype} product of ${size} x ${size} x ${size}`);
      const { name, gflop_per_s } = await measureMatmul(device, { m: size, n: size, k: size }, options, dtype);
      ceilings.push({ rate: gflop_per_s!, measured: name });
    }
    return highest(ceilings);
  };
  const f32 = await best("f32");
  const f16 = halves ? await best("f16") : null;
  progress.update("measuring the ceilings: copies");
  const copies = await measureCopies(device, options);
  return {
    flop: { f32, f16 },
    bytes: { rate: copies.gbyte_per_s, measured: MEASURED_COPIES },
  };
}

/** The highest of some rates. */
export const highest = (ceilings: readonly Ceiling[]): Ceiling =>
  ceilings.reduce((found, ceiling) => (ceiling.rate > found.rate ? ceiling : found));
