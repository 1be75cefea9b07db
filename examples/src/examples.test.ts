import { expect, it } from "vitest";
import { describeDevice } from "@fracture/tensor/testing";
import * as smallConvNet from "./smallConvNet.ts";
import * as twoSpirals from "./twoSpirals.ts";

describeDevice("the examples", (device) => {
  it("two layers tell two spirals apart, and leave no buffer behind", async () => {
    const { live } = device().counts;
    expect(await twoSpirals.train(device(), 150, () => {})).toBeGreaterThan(0.97);
    expect(device().counts.live).toBe(live);
  });

  it("a small convnet learns bars, and leaves no buffer behind", async () => {
    const { live } = device().counts;
    expect(await smallConvNet.train(device(), 35, () => {})).toBeGreaterThan(0.95);
    expect(device().counts.live).toBe(live);
  });
});
