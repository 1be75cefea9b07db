import { expect, it, vi } from "vitest";
import { describeDevice } from "@fracture/tensor/testing";
import { FeatureCache } from "./featureCache.ts";

describeDevice("features that were kept", (device) => {
  it("are written in their samples' places, with one flush a batch", async () => {
    const cache = new FeatureCache(device(), 4, { shape: [2], dtype: "f32" });
    const flush = vi.spyOn(device(), "flush");
    cache.write(new Uint8Array(Float32Array.of(1, 2, 3, 4, 5, 6).buffer), [2, 0, 3]);
    expect(flush).toHaveBeenCalledTimes(1);
    flush.mockRestore();
    expect(Array.from(await cache.data())).toEqual([3, 4, 0, 0, 1, 2, 5, 6]);
    cache.dispose();
  });
});
