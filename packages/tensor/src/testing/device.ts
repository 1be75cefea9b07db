import { afterAll, beforeAll, beforeEach, describe } from "vitest";
import { openDevice, type Device } from "../device.ts";
import { NoAdapterError } from "../errors.ts";

/**
 * A `describe` whose tests get a device, with Dawn's bounds checks on. Without an adapter its tests are skipped visibly,
 * or fail where FRACTURE_REQUIRE_GPU is set.
 */
export function describeDevice(title: string, define: (device: () => Device) => void): void {
  describe(title, () => {
    let opened: Device | null = null;
    beforeAll(async () => {
      try {
        opened = await openDevice({ robustness: true });
      } catch (error) {
        if (!(error instanceof NoAdapterError) || process.env["FRACTURE_REQUIRE_GPU"]) throw error;
      }
    });
    afterAll(() => opened?.close());
    beforeEach((context) => {
      if (!opened) context.skip("no WebGPU adapter");
    });
    define(() => {
      if (!opened) throw new Error("no WebGPU adapter");
      return opened;
    });
  });
}
