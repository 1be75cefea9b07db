import { expect, it } from "vitest";
import { mulberry32, randomNormal } from "@fracture/kernels/testing";
import { input, tensor } from "../create.ts";
import type { Device } from "../device.ts";
import { add, maximum, mul } from "../ops/binary.ts";
import { matmul } from "../ops/matmul.ts";
import { mean, sum } from "../ops/reduce.ts";
import { reshape, transpose } from "../ops/shape.ts";
import { softmax } from "../ops/softmax.ts";
import { relu, tanh } from "../ops/unary.ts";
import { tidy } from "../scope.ts";
import type { Data, Tensor } from "../tensor.ts";
import { describeDevice } from "../testing/index.ts";
import { capture, type CaptureOptions } from "./capture.ts";
import { SlotPool } from "./slotPool.ts";

const SIDE = 4;

/** Of the tensors that there are so far, each [4, 4] or [1, 4], to another one. */
const OPS: readonly ((a: Tensor, b: Tensor) => Tensor)[] = [
  add,
  mul,
  maximum,
  (a, b) => matmul(square(a), square(b)),
  (a) => relu(a),
  (a) => tanh(a),
  (a) => softmax(a),
  (a) => transpose(square(a)),
  (a) => mean(a, { axes: 0, keepDims: true }),
  (a) => a.detach(),
];

const square = (x: Tensor): Tensor => (x.shape[0] === SIDE ? x : matmul(reshape(x, [SIDE, 1]), x));

interface World {
  readonly x: Tensor;
  readonly leaves: readonly Tensor[];
}

type Result = { readonly outputs: readonly Tensor[]; readonly nested: { readonly loss: Tensor; readonly x: Tensor } };

/** A random graph over the world's tensors with a backward pass, some of whose tensors are returned: a pure function of the seed. */
function randomProgram(seed: number, { x, leaves }: World): () => Result {
  return () => {
    const random = mulberry32(seed);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
    const made: Tensor[] = [x, ...leaves];
    for (let i = 0; i < 14; i++) made.push(pick(OPS)(pick(made.slice(-6)), pick(made)));
    const outputs = [pick(made), pick(made.slice(-3)), pick(made)];
    const view = reshape(outputs[1]!, [-1]); // shares the memory of an output
    // Every leaf has a part in the loss, twice, so that gradients meet; not everything that was made has.
    const parts = [...leaves, pick(made), ...leaves].map((part) => sum(tanh(part)));
    const loss = parts.reduce((a, b) => add(a, mul(b, b)));
    loss.backward();
    return { outputs: [...outputs, view, outputs[1]!], nested: { loss, x } };
  };
}

async function read({ leaves }: World, { outputs, nested }: Result): Promise<Data[]> {
  const values: Data[] = [];
  for (const t of [...outputs, nested.loss, nested.x, ...leaves.map(({ grad }) => grad!)]) values.push(await t.data());
  return values;
}

function forget({ leaves, x }: World, { outputs, nested }: Result): void {
  for (const leaf of leaves) {
    leaf.grad!.dispose();
    leaf.grad = null;
  }
  for (const t of [...outputs, nested.loss]) if (t !== x && !leaves.includes(t)) t.dispose();
}

function makeWorld(device: Device, seed: number): World {
  const leaves = [0, 1].map((i) =>
    tensor(randomNormal(SIDE * SIDE, seed + i), { device, shape: [SIDE, SIDE] }).requireGrad(),
  );
  return { x: input([SIDE, SIDE], { device }), leaves };
}

/** Eager results for each of several inputs. */
async function eagerly(world: World, seed: number, inputs: readonly Float32Array[]): Promise<Data[][]> {
  const results: Data[][] = [];
  for (const values of inputs) {
    world.x.write(values);
    const result = tidy(randomProgram(seed, world));
    results.push(await read(world, result));
    forget(world, result);
  }
  return results;
}

describeDevice("random programs", (device) => {
  const inputs = [0, 1, 2].map((i) => randomNormal(SIDE * SIDE, 100 + i));
  const captured = (seed: number, world: World, options: CaptureOptions = {}) =>
    capture(device(), randomProgram(seed, world), options);

  it("give eager's bits on every replay, create nothing, and leave nothing behind", async () => {
    const world = makeWorld(device(), 7);
    const { live } = device().counts;
    for (let seed = 0; seed < 24; seed++) {
      const expected = await eagerly(world, seed, inputs);
      const program = await captured(seed, world);
      const replays: Data[][] = [];
      for (const values of inputs) {
        world.x.write(values);
        program.replay();
        replays.push(await read(world, program.result));
      }
      expect(replays, `seed ${seed}`).toEqual(expected);
      const before = device().counts;
      program.replay();
      expect(device().counts, `seed ${seed}`).toEqual(before);
      forget(world, program.result);
      program.dispose();
      expect(device().counts.live, `seed ${seed}`).toBe(live);
    }
  });

  it("that share slots and take turns keep out of each other's results", async () => {
    const slots = new SlotPool(device());
    const worlds = [3, 4, 5].map((seed) => makeWorld(device(), seed));
    const expected = await Promise.all(worlds.map((world, i) => eagerly(world, 50 + i, inputs)));
    // Captured at the same time: their pipelines are compiled concurrently.
    const programs = await Promise.all(worlds.map((world, i) => captured(50 + i, world, { slots })));
    const own = programs.reduce((bytes, { slotBytes }) => bytes + slotBytes, 0);
    expect(slots.bytes).toBeLessThan(own);
    for (const [turn, values] of inputs.entries()) {
      for (const [i, program] of programs.entries()) {
        worlds[i]!.x.write(values);
        program.replay();
      }
      for (const [i, program] of programs.entries())
        expect(await read(worlds[i]!, program.result), `program ${i}, turn ${turn}`).toEqual(expected[i]![turn]);
    }
    for (const [i, program] of programs.entries()) forget(worlds[i]!, program.result);
    slots.dispose();
    expect(() => programs[0]!.replay()).toThrow("replay: the program was disposed of");
  });
});
