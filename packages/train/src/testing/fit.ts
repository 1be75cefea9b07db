import { input, nn, type Device } from "@fracture/tensor";
import { ResNet } from "@fracture/resnet";
import type { Feed } from "../loop/feeds.ts";
import type { Checkpoints, FitEvent, FitOptions, SampleSet } from "../loop/options.ts";
import type { Freeze, Stage } from "../loop/stages.ts";
import { startState } from "../loop/state.ts";
import { constantLR } from "../optim/stepLR.ts";
import type { HistoryRow } from "../run/history.ts";
import type { StepRow } from "../run/runFolder.ts";

const SIZE = 32;

/** A seeded ResNet-18 with two classes. */
export function tinyModel(device: Device, seed = 1): ResNet {
  return new ResNet({ architecture: "resnet18", classes: 2, device, generator: new nn.Generator(seed) });
}

/** One stage of a test. */
export const stageOf = (freeze: Freeze, epochs: number, lr: number, backboneLr = lr): Stage => ({
  name: freeze,
  freeze,
  epochs,
  lr,
  backboneLr,
});

export interface ToySamples extends SampleSet {
  /** Pictures loaded so far: what a feature cache saves. */
  loads: number;
}

/**
 * Noise [n, 32, 32, 3] with a dark or a bright square in a corner; classes alternate. `augment` darkens a picture by its
 * epoch. `mislabel` swaps the classes.
 */
export function toySamples(
  device: Device,
  count: number,
  { seed = 5, mislabel = false, poison = -1 }: { seed?: number; mislabel?: boolean; poison?: number } = {},
): ToySamples {
  const noise = new nn.Generator(seed).normal([count, SIZE, SIZE, 3]);
  const pixels = SIZE * SIZE * 3;
  const pictures = Array.from({ length: count }, (_, i) => {
    const picture = noise.slice(i * pixels, (i + 1) * pixels);
    for (let y = 4; y < 16; y++)
      for (let x = 4; x < 16; x++) for (let c = 0; c < 3; c++) picture[(y * SIZE + x) * 3 + c]! += i % 2 === 0 ? 2 : -2;
    if (i === poison) picture[0] = NaN;
    return picture;
  });
  const samples: ToySamples = {
    labels: pictures.map((_, i) => (i + (mislabel ? 1 : 0)) % 2),
    paths: pictures.map((_, i) => `toy/${i}.png`),
    loads: 0,
    feed: ({ augment }): Feed => ({
      delivers: null,
      batch: (size) => {
        const x = input([size, SIZE, SIZE, 3], { device });
        return {
          tensor: () => x,
          load: (indices, epoch) => {
            samples.loads += indices.length;
            const batch = new Float32Array(size * pixels);
            indices.forEach((sample, row) => {
              const shade = augment ? epoch / 4 : 0;
              batch.set(shade ? pictures[sample]!.map((value) => value - shade) : pictures[sample]!, row * pixels);
            });
            x.write(batch);
          },
          dispose: () => x.dispose(),
        };
      },
    }),
  };
  return samples;
}

/** Checkpoints that stay in memory: the best weights, and how often something was saved. */
export class MemoryCheckpoints implements Checkpoints {
  saves = 0;
  isDue = false;
  readonly #model: ResNet;
  readonly #best = new Map<string, nn.StateEntry>();

  constructor(model: ResNet) {
    this.#model = model;
  }

  due(): boolean {
    return this.isDue;
  }

  async save(): Promise<void> {
    this.saves += 1;
  }

  restoreOptimizer(): void {}

  async beginStage(changes: (name: string) => boolean): Promise<void> {
    await this.keepBest((name) => changes(name) && !this.#best.has(name));
  }

  async keepBest(changes: (name: string) => boolean): Promise<void> {
    for (const [name, entry] of await this.#model.stateDict(changes)) this.#best.set(name, entry);
  }

  restoreBest(): void {
    this.#model.loadStateDict(this.#best, { partial: true });
  }
}

/** A log that can be looked at. */
export class MemoryLog {
  readonly steps: StepRow[] = [];
  readonly epochs: HistoryRow[] = [];

  appendStep(row: StepRow): void {
    this.steps.push(row);
  }

  appendEpoch(row: HistoryRow): void {
    this.epochs.push(row);
  }
}

export type TestFit = Omit<FitOptions, "onEvent"> & {
  onEvent: FitOptions["onEvent"];
  readonly log: MemoryLog;
  readonly checkpoints: MemoryCheckpoints;
  readonly events: FitEvent[];
};

/** What `fit` wants, with defaults for tests: Adam, a constant rate, samples in order, all in memory. */
export function testFit(
  given: Pick<FitOptions, "device" | "model" | "train" | "stages"> &
    Partial<Omit<FitOptions, "log" | "checkpoints" | "onEvent">>,
): TestFit {
  const events: FitEvent[] = [];
  const indices = Array.from({ length: given.train.labels.length }, (_, i) => i);
  return {
    val: null,
    optimizer: "adam",
    weightDecay: 0,
    schedule: constantLR(),
    batchSize: 8,
    precision: "f32",
    augment: false,
    classWeights: null,
    stopping: { patience: null },
    order: () => indices,
    featureBytes: 2 ** 28,
    featureFiles: null,
    state: startState(),
    signal: new AbortController().signal,
    ...given,
    log: new MemoryLog(),
    checkpoints: new MemoryCheckpoints(given.model),
    events,
    onEvent: (event) => events.push(event),
  };
}

/** Runs of one model from the same weights. */
export interface Fits {
  readonly model: ResNet;
  /** What every run starts with. */
  readonly fresh: nn.StateDict;
  readonly start: (given: Omit<Parameters<typeof testFit>[0], "device" | "model">) => TestFit;
}

/** The caller disposes of the model. */
export async function fitsOf(device: Device): Promise<Fits> {
  const model = tinyModel(device);
  const fresh = await model.stateDict();
  return {
    model,
    fresh,
    start: (given) => {
      model.loadStateDict(fresh);
      return testFit({ device, model, ...given });
    },
  };
}

/** The losses of a run's steps. */
export const lossesOf = (run: TestFit): number[] => run.log.steps.map(({ loss }) => loss);
