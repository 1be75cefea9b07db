import { expect, it } from "vitest";
import { describeDevice } from "@fracture/tensor/testing";
import * as smallConvNet from "./smallConvNet.ts";
import * as twoSpirals from "./twoSpirals.ts";

describeDevice("the examples", (device) => {
  it("two layers tell two spirals apart", async () => {
    expect(await twoSpirals.train(device(), 400, () => {})).toBeGreaterThan(0.97);
  });

  it("a small convnet learns bars, and its steps leave no buffer behind", async () => {
    const before = device().counts.live;
    expect(await smallConvNet.train(device(), 40, () => {})).toBeGreaterThan(0.95);
    const model = device().counts.live - before;
    expect(model).toBeLessThan(40);
  });
});
