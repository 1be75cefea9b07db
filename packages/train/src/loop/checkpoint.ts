import { readWeights, safetensorsPieces, type ResNet } from "@fracture/resnet";
import type { nn, optim, Tensor } from "@fracture/tensor";
import { z } from "zod";
import { nonFiniteName } from "../model/finite.ts";
import { writeFileAtomic } from "../run/atomic.ts";
import type { RunPaths } from "../run/runFolder.ts";
import { NonFiniteWeightsError } from "./errors.ts";
import type { Checkpoints } from "./options.ts";
import type { FitState } from "./state.ts";

/** Marks `last.safetensors`; its reader refuses every other format. */
export const CHECKPOINT_FORMAT = "fracture-checkpoint/1";

/** `last.safetensors` is no checkpoint that training can go on from. */
export class CheckpointError extends Error {
  override readonly name = "CheckpointError";
  readonly exitCode = 2;
  readonly path: string;

  constructor(path: string, message: string, options?: ErrorOptions) {
    super(`${path}: ${message}`, options);
    this.path = path;
  }
}

type Moments = ReadonlyMap<string, ReadonlyMap<string, Float32Array<ArrayBuffer>>>;

/** What `last.safetensors` holds. */
export interface SavedCheckpoint {
  readonly state: FitState;
  readonly model: nn.StateDict;
  /** The best weights so far of every tensor that a stage has changed. */
  readonly best: nn.StateDict;
  /** Null between two stages. */
  readonly optimizer: { readonly steps: number; /** By parameter, then by moment. */ readonly moments: Moments } | null;
}

const stateSchema = z.object({
  stage: z.int().min(0),
  stageEpochs: z.int().min(0),
  epochs: z.int().min(0),
  epochSteps: z.int().min(0),
  steps: z.int().min(0),
  stopping: z.object({
    best: z.number().nullable(),
    bestEpoch: z.int().nullable(),
    epochsWithoutImprovement: z.int().min(0),
  }),
  partial: z.object({
    loss: z.number(),
    weight: z.number(),
    correct: z.int(),
    seen: z.int(),
    skipped: z.int().default(0),
  }),
  lossScale: z
    .object({ scale: z.number().gt(0), growth: z.int().min(0), skipped: z.int().min(0) })
    .nullable()
    .default(null),
});

/**
 * Reads a checkpoint.
 *
 * @throws CheckpointError where it is none of ours, or is damaged
 */
export async function readCheckpoint(path: string): Promise<SavedCheckpoint> {
  const { state: tensors, metadata } = await readWeights(path);
  if (metadata["format"] !== CHECKPOINT_FORMAT)
    throw new CheckpointError(path, `is no checkpoint ("format" is not "${CHECKPOINT_FORMAT}")`);
  const state = parseState(path, metadata["state"] ?? "");
  const under = (prefix: string): [string, nn.StateEntry][] =>
    [...tensors].flatMap(([name, entry]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), entry] as [string, nn.StateEntry]] : [],
    );
  const moments = new Map<string, Map<string, Float32Array<ArrayBuffer>>>();
  for (const [name, { data }] of under("optimizer.")) {
    const [moment, ...parameter] = name.split(".");
    if (!(data instanceof Float32Array)) throw new CheckpointError(path, `optimizer.${name} is not float32`);
    const known = moments.get(parameter.join(".")) ?? new Map<string, Float32Array<ArrayBuffer>>();
    moments.set(parameter.join("."), known.set(moment!, data));
  }
  const steps = metadata["optimizerSteps"];
  return {
    state,
    model: new Map(under("weights.")),
    best: new Map(under("best.")),
    optimizer: steps === undefined ? null : { steps: Number(steps), moments },
  };
}

function parseState(path: string, text: string): FitState {
  try {
    return stateSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new CheckpointError(path, "does not say where the run stands", { cause });
  }
}

export interface CheckpointOptions {
  readonly model: ResNet;
  readonly state: FitState;
  readonly paths: Pick<RunPaths, "best" | "last">;
  /** Metadata of `best.safetensors`: what its model is. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Seconds between two saves. */
  readonly seconds: number;
  /** Called before a checkpoint is written: lines that it counts on must be on the disk. */
  readonly beforeSave: () => void;
}

/**
 * The two weight files of a run. `last.safetensors` is one atomic unit that holds everything the run goes on from: the
 * model, the optimiser's moments, the best weights, the state. `best.safetensors` follows it, for everyone else.
 */
export class CheckpointFiles implements Checkpoints {
  readonly #options: CheckpointOptions;
  readonly #best: Map<string, nn.StateEntry>;
  #resumed: SavedCheckpoint["optimizer"];
  #savedAt = performance.now();
  #bestOnDisk = true;

  /** With `resumed`, the model and the state are as they were saved. */
  constructor(options: CheckpointOptions, resumed: SavedCheckpoint | null) {
    this.#options = options;
    this.#best = new Map(resumed?.best);
    this.#resumed = resumed?.optimizer ?? null;
    if (!resumed) return;
    options.model.loadStateDict(resumed.model);
    Object.assign(options.state, resumed.state);
  }

  due(): boolean {
    return performance.now() - this.#savedAt >= this.#options.seconds * 1000;
  }

  async save(optimizer: optim.Optimizer | null): Promise<void> {
    const { model, state, paths, beforeSave } = this.#options;
    const weights = await model.stateDict();
    const bad = nonFiniteName(weights);
    if (bad !== null) throw new NonFiniteWeightsError(bad, state.steps);
    const entries = new Map<string, nn.StateEntry>();
    for (const [name, entry] of weights) entries.set(`weights.${name}`, entry);
    for (const [name, entry] of this.#best) entries.set(`best.${name}`, entry);
    if (optimizer) {
      for (const [name, parameter] of trained(model)) {
        for (const [moment, data] of await optimizer.readMoments(parameter))
          entries.set(`optimizer.${moment}.${name}`, { dtype: "f32", shape: parameter.shape, data });
      }
    }
    beforeSave();
    const metadata = {
      format: CHECKPOINT_FORMAT,
      state: JSON.stringify(state),
      ...(optimizer ? { optimizerSteps: String(await optimizer.readSteps()) } : {}),
    };
    await writeFileAtomic(paths.last, safetensorsPieces(entries, metadata));
    if (!this.#bestOnDisk) await this.#writeBest(new Map([...weights, ...this.#best]));
    this.#savedAt = performance.now();
  }

  restoreOptimizer(optimizer: optim.Optimizer): void {
    if (!this.#resumed) return;
    const { steps, moments } = this.#resumed;
    this.#resumed = null;
    optimizer.steps = steps;
    for (const [name, parameter] of trained(this.#options.model)) {
      const saved = moments.get(name);
      if (!saved) throw new CheckpointError(this.#options.paths.last, `has no optimiser state for ${name}`);
      optimizer.writeMoments(parameter, saved);
    }
  }

  async beginStage(changes: (name: string) => boolean): Promise<void> {
    await this.#keep((name) => changes(name) && !this.#best.has(name));
  }

  async keepBest(changes: (name: string) => boolean): Promise<void> {
    await this.#keep(changes);
    this.#bestOnDisk = false;
  }

  restoreBest(): void {
    this.#options.model.loadStateDict(this.#best, { partial: true });
  }

  /** After training: writes the model as it is now, which is the best, with what else is known of it by then. */
  async finish(more: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.#writeBest(await this.#options.model.stateDict(), more);
  }

  async #keep(wanted: (name: string) => boolean): Promise<void> {
    for (const [name, entry] of await this.#options.model.stateDict(wanted)) this.#best.set(name, entry);
  }

  async #writeBest(weights: nn.StateDict, more: Readonly<Record<string, string>> = {}): Promise<void> {
    const { paths, metadata } = this.#options;
    await writeFileAtomic(paths.best, safetensorsPieces(weights, { ...metadata, ...more }));
    this.#bestOnDisk = true;
  }
}

/** The parameters that the stage under way trains, with their names. */
const trained = (model: ResNet): [string, Tensor][] =>
  model.namedParameters().filter(([, { requiresGrad }]) => requiresGrad);
