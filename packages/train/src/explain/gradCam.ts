import { PARTS, type ResNet } from "@fracture/resnet";
import {
  capture,
  input,
  mean,
  mul,
  noGrad,
  relu,
  SlotPool,
  sum,
  type Device,
  type Program,
  type Tensor,
} from "@fracture/tensor";
import { predictedClasses } from "../evaluate/predictions.ts";
import { ExplainError } from "./errors.ts";
import type { HeatMap } from "./heatMap.ts";

/** The parts whose output can be explained: those that still have rows and columns. */
export const CAM_LAYERS = ["stem", "layer1", "layer2", "layer3", "layer4"] as const;
export type CamLayer = (typeof CAM_LAYERS)[number];

/** Pixels of a picture to one cell of a layer's map. */
const STRIDES = { stem: 4, layer1: 4, layer2: 8, layer3: 16, layer4: 32 } as const satisfies Record<CamLayer, number>;
/** As many as layer4 has of pictures of 224 pixels. Maps of fewer point worse: see docs/results.md. */
const LEAST_CELLS = 7;

/** The last layer whose map of a picture of `size` x `size` pixels has seven cells a side: layer4 from 193 pixels on, as in the paper. */
export function layerFor(size: number): CamLayer {
  return CAM_LAYERS.findLast((layer) => Math.ceil(size / STRIDES[layer]) >= LEAST_CELLS) ?? "layer1";
}

export interface GradCamOptions {
  readonly device: Device;
  /** Put into inference mode. It must outlive the `GradCam`. */
  readonly model: ResNet;
  /** Height and width of the pictures. */
  readonly size: number;
  /** Whose output is looked at: the later, the nearer to the decision, and the coarser. Default: `layerFor(size)`. */
  readonly layer?: CamLayer;
  /** Pictures at once. Default: 8. */
  readonly batchSize?: number;
  /** Checked before every batch; its reason is thrown. */
  readonly signal?: AbortSignal;
}

export interface Explained {
  /** [n, classes] */
  readonly logits: Float32Array<ArrayBuffer>;
  /** [n], of the pictures in their order. */
  readonly maps: readonly HeatMap[];
}

/** Which class of a picture is to be explained, from its logits [classes]: an index. `i` counts the pictures of the call. */
export type ChooseClass = (logits: Float32Array, i: number) => number;

interface Programs {
  readonly pictures: Tensor;
  /** [n, classes]: 1 for the class that is explained. */
  readonly chosen: Tensor;
  readonly forward: Program<{ readonly activations: Tensor; readonly logits: Tensor }>;
  /** The gradient is a program's own tensor, which outlives its capture. */
  readonly maps: Program<{ readonly map: Tensor; readonly gradient: Tensor }>;
}

/**
 * Grad-CAM (Selvaraju et al. 2017, "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization"): where in a
 * picture the network saw what speaks for a class. With A the activations of a layer [h, w, k] and y the logit of the class,
 *
 *     weights[k] = the mean over (h, w) of dy/dA[h, w, k]          map[h, w] = relu(the sum over k of weights[k] A[h, w, k])
 *
 * In f32. Two captured programs for each size of batch, the first of which is the forward pass; only what lies above the layer is
 * differentiated, and no weight gets a gradient.
 */
export class GradCam {
  readonly #options: GradCamOptions;
  readonly layer: CamLayer;
  readonly #slots: SlotPool;
  readonly #programs = new Map<number, Programs>();

  constructor(options: GradCamOptions) {
    this.#options = options;
    this.layer = options.layer ?? layerFor(options.size);
    this.#slots = new SlotPool(options.device);
    options.model.eval();
  }

  /**
   * The logits and one map of every picture.
   *
   * @param pictures [size, size, 3] each, preprocessed as the weights want
   * @param choose default: the class with the largest logit
   * @throws ExplainError for a picture of another size, or a class that the model doesn't have
   */
  async explain(pictures: readonly Float32Array[], choose: ChooseClass = largest): Promise<Explained> {
    const { model, size, batchSize = 8, signal } = this.#options;
    const logits = new Float32Array(pictures.length * model.classes);
    const maps: HeatMap[] = [];
    const wrong = pictures.find(({ length }) => length !== size * size * 3);
    if (wrong) throw new ExplainError(`a picture of ${wrong.length} values is none of ${size} x ${size} x 3`);
    for (let start = 0; start < pictures.length; start += batchSize) {
      signal?.throwIfAborted();
      const batch = pictures.slice(start, start + batchSize);
      logits.set(await this.#forward(batch), start * model.classes);
      const classes = batch.map((_, row) => {
        const i = start + row;
        return this.#checked(choose(logits.subarray(i * model.classes, (i + 1) * model.classes), i));
      });
      maps.push(...(await this.#maps(classes)));
    }
    return { logits, maps };
  }

  dispose(): void {
    for (const { pictures, chosen, forward, maps } of this.#programs.values()) {
      const results = [...Object.values(forward.result), ...Object.values(maps.result)];
      for (const tensor of [pictures, chosen, ...results]) tensor.dispose();
      forward.dispose();
      maps.dispose();
    }
    this.#programs.clear();
    this.#slots.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  async #forward(batch: readonly Float32Array[]): Promise<Float32Array> {
    const { pictures, forward } = await this.#program(batch.length);
    const values = new Float32Array(pictures.size);
    for (const [row, picture] of batch.entries()) values.set(picture, row * picture.length);
    pictures.write(values);
    forward.replay();
    return (await forward.result.logits.data()) as Float32Array;
  }

  /** Of the batch that went forward last. */
  async #maps(classes: readonly number[]): Promise<HeatMap[]> {
    const { chosen, maps } = await this.#program(classes.length);
    const ones = new Float32Array(chosen.size);
    for (const [row, index] of classes.entries()) ones[row * this.#options.model.classes + index] = 1;
    chosen.write(ones);
    maps.replay();
    const { map } = maps.result;
    const [, height, width] = map.shape as [number, number, number];
    const values = (await map.data()) as Float32Array<ArrayBuffer>;
    return classes.map((index, row) => ({
      layer: this.layer,
      class: index,
      width,
      height,
      values: values.slice(row * width * height, (row + 1) * width * height),
    }));
  }

  #checked(index: number): number {
    const { classes } = this.#options.model;
    if (Number.isInteger(index) && index >= 0 && index < classes) return index;
    throw new ExplainError(`there is no class ${index} (the model has ${classes})`);
  }

  async #program(n: number): Promise<Programs> {
    const found = this.#programs.get(n);
    if (found) return found;
    const { device, model, size } = this.#options;
    const options = { slots: this.#slots };
    const above = PARTS[PARTS.indexOf(this.layer) + 1]!;
    const pictures = input([n, size, size, 3], { device });
    const chosen = input([n, model.classes], { device });
    const head = (activations: Tensor): Tensor => model.run(activations, above, "fc");
    const forward = await capture(
      device,
      () =>
        noGrad(() => {
          const activations = model.run(pictures, "stem", this.layer);
          return { activations, logits: head(activations) };
        }),
      options,
    );
    const maps = await capture(
      device,
      () => {
        const activations = forward.result.activations.detach().requireGrad();
        // Pictures don't meet in inference mode: the gradient of the sum is each one's own.
        withoutWeightGradients(model, () => sum(mul(head(activations), chosen)).backward());
        const gradient = activations.grad!;
        const map = noGrad(() => {
          const weights = mean(gradient, { axes: [1, 2], keepDims: true });
          return relu(sum(mul(activations, weights), { axes: 3 }));
        });
        return { map, gradient };
      },
      options,
    );
    const made = { pictures, chosen, forward, maps };
    this.#programs.set(n, made);
    return made;
  }
}

/**
 * Grad-CAM of a few pictures; `GradCam` for many, batch by batch.
 *
 * @param pictures [size, size, 3] each, preprocessed as the weights want
 * @param options `choose`: the class to explain; default: the one with the largest logit
 * @throws ExplainError
 */
export async function gradCam(
  pictures: readonly Float32Array[],
  options: GradCamOptions & { readonly choose?: ChooseClass },
): Promise<Explained> {
  using cam = new GradCam(options);
  return await cam.explain(pictures, options.choose);
}

const largest: ChooseClass = (logits) => predictedClasses(logits, logits.length)[0]!;

/** Records `fn` with every weight a constant: a gradient of none of them is computed. */
function withoutWeightGradients(model: ResNet, fn: () => void): void {
  const trained = model.parameters().filter(({ requiresGrad }) => requiresGrad);
  for (const weight of trained) weight.requireGrad(false);
  try {
    fn();
  } finally {
    for (const weight of trained) weight.requireGrad();
  }
}
