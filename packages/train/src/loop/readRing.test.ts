import { expect, test } from "vitest";
import { ReadRing, STEPS_IN_FLIGHT } from "./readRing.ts";

/** A reading that ends when it is told to. */
function reading(): { promise: Promise<number>; arrive: (value: number) => void; fail: (error: Error) => void } {
  let arrive!: (value: number) => void;
  let fail!: (error: Error) => void;
  const promise = new Promise<number>((resolve, reject) => ([arrive, fail] = [resolve, reject]));
  return { promise, arrive, fail };
}

const settled = async (promise: Promise<unknown>): Promise<boolean> => {
  let done = false;
  void promise.then(() => (done = true));
  await new Promise((resolve) => setImmediate(resolve));
  return done;
};

test("nothing is waited for until as many steps as may be are under way, and then for the oldest alone", async () => {
  const received: number[] = [];
  const ring = new ReadRing<number>((value) => received.push(value));
  const readings = Array.from({ length: STEPS_IN_FLIGHT }, () => reading());
  for (const { promise } of readings) {
    expect(await settled(ring.room())).toBe(true);
    ring.push(promise);
  }
  const room = ring.room();
  readings[1]!.arrive(2); // not the oldest
  expect([await settled(room), received]).toEqual([false, []]);
  readings[0]!.arrive(1);
  expect([await settled(room), received]).toEqual([true, [1]]);
});

test("readings are received in the order of their steps, whenever they arrive", async () => {
  const received: number[] = [];
  const ring = new ReadRing<number>((value) => received.push(value));
  const readings = [reading(), reading()];
  for (const { promise } of readings) ring.push(promise);
  readings[1]!.arrive(2);
  readings[0]!.arrive(1);
  await ring.drain();
  expect(received).toEqual([1, 2]);
});

test("a reading that fails is an error where it is waited for, and no unhandled rejection before", async () => {
  const ring = new ReadRing<number>(() => {});
  const { promise, fail } = reading();
  ring.push(promise);
  fail(new Error("the device was lost"));
  await new Promise((resolve) => setImmediate(resolve));
  await expect(ring.drain()).rejects.toThrow("the device was lost");
});
