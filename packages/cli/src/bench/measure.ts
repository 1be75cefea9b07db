import { encodeDispatch, type KernelPlan } from "@fracture/kernels";
import type { Device } from "@fracture/tensor";

export interface Timing {
  /** Of one run, in milliseconds. */
  readonly medianMs: number;
  readonly minMs: number;
  /** Runs that were timed, warm-up not counted. */
  readonly repeats: number;
}

export interface MeasureOptions {
  readonly warmUp: number;
  readonly repeats: number;
  readonly signal: AbortSignal;
}

/** Times `body`, which must end when its work is done: a few runs that don't count, then the median of the others. */
export async function measure(body: () => Promise<void>, { warmUp, repeats, signal }: MeasureOptions): Promise<Timing> {
  const times: number[] = [];
  for (let run = -warmUp; run < repeats; run++) {
    signal.throwIfAborted();
    const started = performance.now();
    await body();
    if (run >= 0) times.push(performance.now() - started);
  }
  return { medianMs: medianOf(times), minMs: Math.min(...times), repeats };
}

/** The middle one of some numbers, or the mean of the two in the middle. */
export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** A submission this long drowns what it costs to submit. */
const SUBMISSION_MS = 20;
const MOST_PER_SUBMISSION = 256;

/**
 * Times a kernel on buffers of random numbers and gives the buffers' contents to `check` after the first run. Short kernels
 * are queued several times in one submission, so that the figure is the kernel's and not the queue's.
 */
export async function measurePlan(
  device: Device,
  plan: KernelPlan,
  operands: Readonly<Record<string, ArrayBufferView<ArrayBuffer>>>,
  options: MeasureOptions,
  check: (read: (operand: string) => Promise<ArrayBuffer>) => Promise<void>,
): Promise<Timing> {
  await device.encoder.prepare([plan]);
  const storages = new Map(
    Object.entries({ ...plan.operands, ...plan.workspace }).map(([name, bytes]) => [
      name,
      device.allocatePersistent(bytes),
    ]),
  );
  try {
    for (const [name, values] of Object.entries(operands)) device.writeBytes(storages.get(name)!, values);
    const dispatches = device.encoder.dispatches(plan, (name) => storages.get(name)!.resolve());
    const submit = async (times: number): Promise<void> => {
      const commands = device.gpu.createCommandEncoder();
      const pass = commands.beginComputePass();
      for (let i = 0; i < times; i++) for (const dispatch of dispatches) encodeDispatch(pass, dispatch);
      pass.end();
      device.gpu.queue.submit([commands.finish()]);
      await device.sync();
    };
    await submit(1);
    await check((name) => device.readBytes(storages.get(name)!));
    const once = await measure(() => submit(1), { ...options, warmUp: 0, repeats: 1 });
    if (options.warmUp === 0 && options.repeats === 1 && once.medianMs >= SUBMISSION_MS) return once;
    const times = Math.min(MOST_PER_SUBMISSION, Math.max(1, Math.ceil(SUBMISSION_MS / once.medianMs)));
    const timing = await measure(() => submit(times), options);
    return { ...timing, medianMs: timing.medianMs / times, minMs: timing.minMs / times };
  } finally {
    for (const storage of storages.values()) storage.release();
  }
}
