import type { Part, ResNet } from "@fracture/resnet";
import type { Device, DType, Program, ProgramKernel, Shape, SlotPool, Tensor } from "@fracture/tensor";
import type { Feed, FeedBatch } from "./feeds.ts";
import { batchSizesOf, forwardProgram, reserveReadings } from "./programs.ts";
import type { Precision } from "./precision.ts";
import { ReadRing } from "./readRing.ts";

export interface ForwardOptions {
  readonly device: Device;
  readonly model: ResNet;
  readonly slots: SlotPool;
  readonly batchSize: number;
  readonly precision: Precision;
  /** Checked before every batch: `run` throws its reason. */
  readonly signal?: AbortSignal;
  readonly onBatch?: (done: number, total: number) => void;
}

/** Runs a model over samples in order, in batches, with one captured program a batch size. */
export class ForwardPass {
  readonly #options: ForwardOptions;
  readonly #feed: Feed;
  readonly #last: Part;
  readonly #programs = new Map<number, { batch: FeedBatch; program: Program<Tensor> }>();

  /**
   * @param last the part whose output is wanted: "fc" for logits
   */
  constructor(options: ForwardOptions, feed: Feed, last: Part) {
    this.#options = options;
    this.#feed = feed;
    this.#last = last;
  }

  /** Captures what a run over so many samples needs. The modes of the model's modules, train or eval, are fixed by it. */
  async prepare(samples: number): Promise<void> {
    for (const size of batchSizesOf(samples, this.#options.batchSize)) await this.#program(size);
  }

  /**
   * Calls `receive` for every batch, after its program was queued: the output is valid until the next batch.
   *
   * @param known true for batches whose output is known already: they are left out
   */
  async run(
    samples: number,
    receive: (output: Tensor, indices: readonly number[]) => void | Promise<void>,
    known: (indices: readonly number[]) => Promise<boolean> = async () => false,
  ): Promise<void> {
    const { batchSize, device, signal, onBatch } = this.#options;
    for (let start = 0; start < samples; start += batchSize) {
      signal?.throwIfAborted();
      const indices = Array.from({ length: Math.min(batchSize, samples - start) }, (_, i) => start + i);
      const { batch, program } = await this.#program(indices.length);
      if (!(await known(indices))) {
        batch.load(indices, 0);
        program.replay();
        await receive(program.result, indices);
      }
      onBatch?.(start + indices.length, samples);
    }
    device.flush();
  }

  /** The shape of one sample's output, without the batch, and its type, in a run over so many samples. */
  async output(samples: number): Promise<{ readonly shape: Shape; readonly dtype: DType }> {
    const { result } = (await this.#program(Math.min(samples, this.#options.batchSize))).program;
    return { shape: result.shape.slice(1), dtype: result.dtype };
  }

  /** What a batch of so many samples runs. */
  async kernels(size: number): Promise<ProgramKernel["plan"][]> {
    return (await this.#program(size)).program.kernels.map(({ plan }) => plan);
  }

  /** The output of every sample, row by row. */
  async collect(samples: number): Promise<Float32Array<ArrayBuffer>> {
    const parts: Float32Array<ArrayBuffer>[] = [];
    const ring = new ReadRing<Float32Array<ArrayBuffer>>((rows) => parts.push(rows));
    await this.run(samples, async (output) => {
      ring.push(output.data().then((data) => Float32Array.from(data)));
      await ring.room();
    });
    await ring.drain();
    const result = new Float32Array(parts.reduce((n, part) => n + part.length, 0));
    parts.reduce((offset, part) => (result.set(part, offset), offset + part.length), 0);
    return result;
  }

  dispose(): void {
    for (const { batch, program } of this.#programs.values()) {
      program.result.dispose();
      program.dispose();
      batch.dispose();
    }
    this.#programs.clear();
  }

  async #program(size: number): Promise<{ batch: FeedBatch; program: Program<Tensor> }> {
    let found = this.#programs.get(size);
    if (!found) {
      found = await forwardProgram(this.#options, this.#feed, size, this.#last);
      this.#programs.set(size, found);
      if (this.#last === "fc") await reserveReadings([found.program.result]);
    }
    return found;
  }
}
