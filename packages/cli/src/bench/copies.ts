import { CheckError } from "../exitCodes.ts";
import type { Device } from "@fracture/tensor";
import { noise } from "./check.ts";
import { measure, type MeasureOptions } from "./measure.ts";

const BYTES = 32 * 2 ** 20;
const COPIES = 8;

/** What the rate of copies on the device was measured by. */
export const MEASURED_COPIES = `${COPIES} copies of ${BYTES / 2 ** 20} MiB from buffer to buffer`;

export interface CopyRates {
  /** Reads and writes counted. */
  readonly gbyte_per_s: number;
  readonly upload_gbyte_per_s: number;
  readonly download_gbyte_per_s: number;
}

/** How fast bytes move on the device, to it and from it. Throws a CheckError where they arrive changed. */
export async function measureCopies(device: Device, options: MeasureOptions): Promise<CopyRates> {
  const [from, to] = [device.allocatePersistent(BYTES), device.allocatePersistent(BYTES)];
  try {
    const values = noise(BYTES / 4, 1);
    const upload = await measure(async () => {
      device.writeBytes(from, values);
      await device.sync();
    }, options);
    const copy = await measure(async () => {
      for (let i = 0; i < COPIES; i++) device.copy(from, to);
      await device.sync();
    }, options);
    let read = new ArrayBuffer();
    const download = await measure(async () => {
      read = await device.readBytes(to);
    }, options);
    if (Buffer.compare(Buffer.from(read), Buffer.from(values.buffer)) !== 0)
      throw new CheckError(
        "bytes that were copied to the device and back came back changed: please report this device",
      );
    return {
      gbyte_per_s: (2 * COPIES * BYTES) / copy.medianMs / 1e6,
      upload_gbyte_per_s: BYTES / upload.medianMs / 1e6,
      download_gbyte_per_s: BYTES / download.medianMs / 1e6,
    };
  } finally {
    from.release();
    to.release();
  }
}
