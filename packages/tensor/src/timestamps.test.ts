import { expect, it } from "vitest";
import { capture } from "./capture/capture.ts";
import { ones, tensor } from "./create.ts";
import { TensorError } from "./errors.ts";
import { add } from "./ops/binary.ts";
import { matmul } from "./ops/matmul.ts";
import { describeDevice } from "./testing/index.ts";
import { Timestamps } from "./timestamps.ts";

describeDevice("timestamps", (device) => {
  it("of a replay come in order: each replay ends after it began, and before the next one begins", async () => {
    const x = ones([64, 64], { device: device() });
    const program = await capture(device(), () => matmul(x, x));
    using timestamps = new Timestamps(device(), 6);
    for (const at of [0, 2, 4]) program.replay({ timestamps, at });
    const times = await timestamps.read();
    expect(times).toHaveLength(6);
    expect(times[0]).toBe(0);
    expect([...times]).toEqual([...times].toSorted((a, b) => a - b));
    for (const at of [0, 2, 4]) expect(times[at + 1]).toBeGreaterThan(times[at]!);
    expect((await program.result.data())[0]).toBe(64);
  });

  it("of every dispatch of a program: as many as there are, in order, and the result is the replay's", async () => {
    const x = tensor([[1], [2]], { device: device() });
    const program = await capture(device(), () => add(add(matmul(ones([2, 2], { device: device() }), x), 1), 2));
    program.replay();
    const expected = await program.result.data();
    using timestamps = new Timestamps(device(), 2 * program.dispatches);
    program.replayEach(timestamps);
    const times = await timestamps.read();
    expect(times).toHaveLength(2 * program.kernels.reduce((sum, { plan }) => sum + plan.passes.length, 0));
    expect([...times]).toEqual([...times].toSorted((a, b) => a - b));
    expect(await program.result.data()).toEqual(expected);
  });

  it("are more than a query set holds, if need be", async () => {
    const x = ones([4], { device: device() });
    const program = await capture(device(), () => add(x, 1));
    using timestamps = new Timestamps(device(), 4100);
    for (let at = 0; at < 4100; at += 2) program.replay({ timestamps, at });
    const times = await timestamps.read();
    expect(times.at(-1)).toBeGreaterThan(times[4095]!);
    expect(() => timestamps.around(4100)).toThrow(new TensorError("timestamps", "there is no place 4100 (0 to 4099)"));
  });
});
