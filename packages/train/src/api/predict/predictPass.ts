import type { ResNet } from "@fracture/resnet";
import { capture, input, noGrad, type Device, type Program, type SlotPool, type Tensor } from "@fracture/tensor";
import { inPrecision, type Precision } from "../../loop/precision.ts";
import { reserveReadings } from "../../loop/programs.ts";

export interface PredictPassOptions {
  readonly device: Device;
  /** In inference mode. */
  readonly model: ResNet;
  readonly slots: SlotPool;
  readonly precision: Precision;
  /** Of a picture's side. */
  readonly size: number;
  /** Whether features are read as well. */
  readonly features: boolean;
}

/** What a model says about a batch. */
export interface BatchOutput {
  /** [n, classes] */
  readonly logits: Float32Array;
  /** [n, c]: what the last layer sees; null where they were not asked for. */
  readonly features: Float32Array | null;
}

interface Captured {
  readonly x: Tensor;
  readonly values: Float32Array;
  readonly program: Program<{ readonly logits: Tensor; readonly features: Tensor }>;
}

/** Runs a model over batches of preprocessed pictures, with one captured program a batch size. */
export class PredictPass {
  readonly #options: PredictPassOptions;
  readonly #captured = new Map<number, Captured>();

  constructor(options: PredictPassOptions) {
    this.#options = options;
  }

  /**
   * Queues a batch, and resolves once it is queued: to a function that waits for its outputs. The next batch may be queued before that.
   *
   * @param pictures [size, size, 3] each
   */
  async submit(pictures: readonly Float32Array[]): Promise<() => Promise<BatchOutput>> {
    const { device, features: wanted } = this.#options;
    const { x, values, program } = await this.#program(pictures.length);
    pictures.forEach((picture, row) => values.set(picture, row * picture.length));
    x.write(values);
    program.replay();
    const { logits, features } = program.result;
    const reading = Promise.all([logits.data(), wanted ? features.data() : null]);
    reading.catch(() => {}); // thrown where it is awaited
    device.flush();
    return async () => {
      const [logitsRead, featuresRead] = await reading;
      return { logits: Float32Array.from(logitsRead), features: featuresRead && Float32Array.from(featuresRead) };
    };
  }

  dispose(): void {
    for (const { x, program } of this.#captured.values()) {
      program.result.logits.dispose();
      program.result.features.dispose();
      program.dispose();
      x.dispose();
    }
    this.#captured.clear();
  }

  async #program(n: number): Promise<Captured> {
    const found = this.#captured.get(n);
    if (found) return found;
    const { device, model, slots, precision, size, features } = this.#options;
    const x = input([n, size, size, 3], { device });
    const program = await capture(
      device,
      () =>
        noGrad(() =>
          inPrecision(precision, () => {
            const pooled = model.run(x, "stem", "avgpool");
            return { features: pooled, logits: model.run(pooled, "fc", "fc") };
          }),
        ),
      { slots },
    );
    const made = { x, values: new Float32Array(x.size), program };
    this.#captured.set(n, made);
    await reserveReadings(features ? Object.values(program.result) : [program.result.logits]);
    return made;
  }
}
