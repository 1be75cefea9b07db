import type { nn, Shape } from "@fracture/tensor";
import { shown, WeightsError } from "../weights/errors.ts";

/** Takes tensors out of a state dict by name and shape, each once, and knows what was left. */
export class WeightReader {
  readonly #state: nn.StateDict;
  readonly #left: Set<string>;

  constructor(state: nn.StateDict) {
    this.#state = state;
    // What counts batches has no part in inference.
    this.#left = new Set([...state.keys()].filter((name) => !name.endsWith(".num_batches_tracked")));
  }

  /** @throws WeightsError ("architecture") where it is missing or of another shape or type */
  take(name: string, shape: Shape): Float32Array<ArrayBuffer> {
    const entry = this.#state.get(name);
    if (!entry) throw new WeightsError("architecture", `${name} is missing`);
    if (entry.dtype !== "f32" || entry.shape.join() !== shape.join())
      throw new WeightsError(
        "architecture",
        `${name} is ${entry.dtype} [${entry.shape.join(",")}], expected f32 [${shape.join(",")}]`,
      );
    this.#left.delete(name);
    return entry.data;
  }

  /** The tensors of a batch norm over so many channels, by torch's names, in the order of ONNX's inputs. */
  norm(name: string, channels: number): Record<(typeof NORM_PARTS)[number], Float32Array<ArrayBuffer>> {
    const [weight, bias, mean, variance] = NORM_PARTS.map((part) => this.take(`${name}.${part}`, [channels]));
    return { weight: weight!, bias: bias!, running_mean: mean!, running_var: variance! };
  }

  /** A linear layer over so many features; its weight says how many classes it has. */
  head(
    name: string,
    features: number,
  ): {
    readonly weight: Float32Array<ArrayBuffer>;
    readonly bias: Float32Array<ArrayBuffer>;
    readonly classes: number;
  } {
    const classes = this.#state.get(`${name}.weight`)?.shape[0] ?? 0;
    return {
      weight: this.take(`${name}.weight`, [classes, features]),
      bias: this.take(`${name}.bias`, [classes]),
      classes,
    };
  }

  /** @throws WeightsError ("architecture") naming what was not taken */
  nothingLeft(architecture: string): void {
    const [first] = this.#left;
    if (first === undefined) return;
    const more = this.#left.size > 1 ? ` and ${this.#left.size - 1} more` : "";
    throw new WeightsError("architecture", `${shown(first)}${more}: no ${architecture} has such tensors`);
  }
}

const NORM_PARTS = ["weight", "bias", "running_mean", "running_var"] as const;
