import { expect, it } from "vitest";
import { expectClose, randomNormal, toHalves } from "@fracture/kernels/testing";
import { capture } from "../capture/capture.ts";
import { tensor } from "../create.ts";
import { autocast } from "../autograd/autocast.ts";
import { matmul, mul, sum } from "../ops/index.ts";
import { tidy } from "../scope.ts";
import type { Tensor } from "../tensor.ts";
import { describeDevice } from "../testing/index.ts";
import { Adam, GradScaler, lossScaleOf, SGD, type Optimizer } from "./index.ts";

const COUNT = 300;

describeDevice("GradScaler", (device) => {
  const leaf = (seed: number): Tensor => tensor(randomNormal(COUNT, seed), { device: device() }).requireGrad();

  /** One step whose gradient is `g`, scaled. */
  function step(scaler: GradScaler, optimizer: Optimizer, w: Tensor, g: Tensor): void {
    optimizer.zeroGrad();
    scaler.scale(sum(mul(w, g))).backward();
    scaler.step(optimizer);
    scaler.update();
  }

  it("divides the scale out: SGD's steps have the bits of unscaled ones, Adam's all but the last", async () => {
    for (const make of [
      (p: Tensor[]) => new SGD(p, { lr: 0.1, momentum: 0.9, weightDecay: 0.01 }),
      (p: Tensor[]) => new Adam(p, { lr: 0.01, weightDecay: 0.01 }),
    ]) {
      const [w, v, g] = [leaf(1), leaf(1), leaf(2).requireGrad(false)];
      using scaler = new GradScaler(device());
      using plain = make([w]);
      using scaled = make([v]);
      for (let i = 0; i < 5; i++) {
        g.write(randomNormal(COUNT, 10 + i));
        tidy(() => {
          plain.zeroGrad();
          sum(mul(w, g)).backward();
          plain.step();
          step(scaler, scaled, v, g);
        });
      }
      if (plain instanceof SGD) expect(await v.data()).toEqual(await w.data());
      else expectClose(await v.data(), await w.data(), { rtol: 1e-6, atol: 1e-8 });
      expect(await scaled.readSteps()).toBe(5);
    }
  });

  it("an overflow leaves weights, copies, moments and the count of steps alone and halves the scale, which later grows", async () => {
    const [w, g] = [leaf(1), leaf(2).requireGrad(false)];
    using scaler = new GradScaler(device(), { initScale: 1024, growthInterval: 2 });
    using adam = new Adam([w], { lr: 0.01, halfCopies: true });
    const program = await capture(device(), () => step(scaler, adam, w, g));
    const good = randomNormal(COUNT, 3);
    const look = async () => ({
      w: await w.data(),
      half: await w.half!.data(),
      moments: await adam.readMoments(w),
      steps: await adam.readSteps(),
    });
    g.write(good);
    program.replay();
    const before = await look();
    expect(before.steps).toBe(1);
    expect(before.half).toEqual(toHalves(before.w).values);
    expect(await scaler.read()).toEqual({ scale: 1024, growth: 1, skipped: 0 });
    for (const [i, bad] of [Infinity, -Infinity, NaN].entries()) {
      g.write(good.map((v, at) => (at === 290 - 7 * i ? bad : v)));
      program.replay();
      expect(await look()).toEqual(before);
      expect(await scaler.read()).toEqual({ scale: 512 / 2 ** i, growth: 0, skipped: i + 1 });
      expect(lossScaleOf(await scaler.state.data()).found).toBe(true);
    }
    g.write(good);
    program.replay();
    program.replay();
    expect(await scaler.read()).toEqual({ scale: 256, growth: 0, skipped: 3 });
    const after = await look();
    expect(after.steps).toBe(3);
    expect(after.w).not.toEqual(before.w);
    expect(after.half).toEqual(toHalves(after.w).values);
  });

  it("a scale that f16 gradients can't hold is found out by their product", async () => {
    const w = tensor(randomNormal(16, 1), { device: device(), shape: [4, 4] }).requireGrad();
    const x = tensor(randomNormal(16, 2), { device: device(), shape: [4, 4] });
    using scaler = new GradScaler(device(), { initScale: 2 ** 17 });
    using sgd = new SGD([w], { lr: 0.1, halfCopies: true });
    const start = await w.data();
    const scales: number[] = [];
    for (let i = 0; i < 4; i++) {
      tidy(() => {
        sgd.zeroGrad();
        scaler.scale(sum(autocast(() => matmul(x, w)))).backward(); // its gradient is 1: the scale itself
        scaler.step(sgd);
        scaler.update();
      });
      scales.push((await scaler.read()).scale);
      if (i < 2) expect(await w.data()).toEqual(start);
    }
    expect(scales).toEqual([2 ** 16, 2 ** 15, 2 ** 15, 2 ** 15]);
    expect(await w.data()).not.toEqual(start);
  });

  it("written elsewhere, what was read goes on bit for bit", async () => {
    const run = async (split: boolean): Promise<unknown[]> => {
      let w = leaf(1);
      const g = leaf(2).requireGrad(false);
      let scaler = new GradScaler(device(), { initScale: 4, growthInterval: 3 });
      let adam: Optimizer = new Adam([w], { lr: 0.01 });
      for (let i = 0; i < 6; i++) {
        if (split && i === 3) {
          const [values, moments, steps, scale] = [
            await w.data(),
            await adam.readMoments(w),
            await adam.readSteps(),
            await scaler.read(),
          ];
          adam.dispose();
          scaler.dispose();
          w = tensor(values, { device: device() }).requireGrad();
          [scaler, adam] = [new GradScaler(device(), { growthInterval: 3 }), new Adam([w], { lr: 0.01 })];
          adam.steps = steps;
          adam.writeMoments(w, moments as Map<string, Float32Array<ArrayBuffer>>);
          scaler.write(scale);
        }
        g.write(randomNormal(COUNT, 20 + i).map((v, at) => (i === 1 && at === 5 ? Infinity : v)));
        tidy(() => step(scaler, adam, w, g));
      }
      const result = [await w.data(), await scaler.read(), await adam.readSteps()];
      adam.dispose();
      scaler.dispose();
      return result;
    };
    const whole = await run(false);
    expect(whole.slice(1)).toEqual([{ scale: 4, growth: 1, skipped: 1 }, 5]);
    expect(await run(true)).toEqual(whole);
  });

  it("gives all its memory back", () => {
    const { live } = device().counts;
    const [w, g] = [leaf(1), leaf(2).requireGrad(false)];
    {
      using scaler = new GradScaler(device());
      using adam = new Adam([w], { halfCopies: true });
      tidy(() => step(scaler, adam, w, g));
    }
    w.dispose();
    g.dispose();
    expect(device().counts.live).toBe(live);
  });

  it("says what makes no sense", () => {
    expect(() => new GradScaler(device(), { initScale: 0 })).toThrow("initScale must be a number above 0, not 0");
    expect(() => new GradScaler(device(), { growthFactor: 1 })).toThrow("growthFactor must be above 1");
    using scaler = new GradScaler(device());
    using sgd = new SGD([leaf(1)], { lr: 0.1 });
    expect(() => scaler.step(sgd)).toThrow("has no gradient");
  });
});
