import type { Device } from "../device.ts";
import { CaptureError } from "../errors.ts";
import { keep, tidy } from "../scope.ts";
import type { Storage } from "../storage.ts";
import { Tensor } from "../tensor.ts";
import { fuse, FUSIONS, type Fusion } from "./passes/fuse.ts";
import { dropDeadSteps } from "./passes/dropDeadSteps.ts";
import { elideCopies } from "./passes/elideCopies.ts";
import { Program } from "./program.ts";
import { Recording } from "./recording.ts";
import { SlotPool } from "./slotPool.ts";

export interface CaptureOptions {
  /** Memory for intermediates to share with other programs. Default: the program's own. */
  readonly slots?: SlotPool;
  /** Which fusions the program goes through, for comparisons: false for none. Default: all. */
  readonly fuse?: boolean | readonly Fusion[];
}

/**
 * Runs `fn` once without doing its work and returns it as a program. The tensors that `fn` reads from outside are the
 * program's inputs: write to them, then `replay()`. What `fn` returns (a tensor, or an array or record of tensors)
 * stays readable, without a gradient's history. `fn` must be synchronous, must not read back, and its shapes are fixed, as are
 * the modes of its modules. A replay does what `fn` did: a `grad` that was null before `backward()` is overwritten.
 *
 *     const step = await capture(device, () => { const loss = lossOf(model.forward(x), y); loss.backward(); adam.step(); return loss; });
 *     for (...) { x.write(batch); step.replay(); }
 *     console.log(await step.result.item());
 */
export async function capture<T>(device: Device, fn: () => T, options: CaptureOptions = {}): Promise<Program<T>> {
  if (device.recording) throw new CaptureError("capture() inside capture()");
  const recording = new Recording();
  device.recording = recording;
  let result: T;
  try {
    result = tidy(fn);
  } catch (error) {
    for (const undo of recording.onFailure) undo();
    throw error;
  } finally {
    device.recording = null;
  }
  const outputs = new Set<Storage>();
  for (const tensor of tensorsIn(result)) {
    keep(tensor);
    if (!recording.owns(tensor.storage)) continue;
    tensor.forgetHistory();
    if (outputs.has(tensor.storage)) continue;
    outputs.add(tensor.storage);
    const real = device.allocatePersistent(tensor.storage.bytes);
    adopt(tensor.storage, real);
  }
  const { slots, fuse: wanted = true } = options;
  const direct = elideCopies(recording.steps, recording, outputs);
  const fusions = wanted === true ? FUSIONS : wanted === false ? [] : wanted;
  const steps = dropDeadSteps(fuse(direct, recording, outputs, device.limits, fusions), recording, outputs);
  return Program.build(device, result, steps, recording, slots ?? new SlotPool(device), slots === undefined);
}

/** An output's storage gets memory of its own, given back when the last tensor on it is disposed of. */
function adopt(storage: Storage, real: Storage): void {
  storage.binding = real.binding;
  storage.onFree(() => real.release());
}

function tensorsIn(value: unknown): Tensor[] {
  if (value instanceof Tensor) return [value];
  if (Array.isArray(value)) return value.flatMap(tensorsIn);
  if (typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype)
    return Object.values(value).flatMap(tensorsIn);
  return [];
}
