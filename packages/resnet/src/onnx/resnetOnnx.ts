import type { nn } from "@fracture/tensor";
import { ARCHITECTURES, type Architecture } from "../resnet.ts";
import { piecesOf, type Message } from "./protobuf.ts";
import * as onnx from "./schema.ts";
import { WeightReader } from "./weightReader.ts";

/** The opsets whose operators are written, and the format's version that each came with (ONNX, docs/Versioning.md). */
const IR_VERSIONS: Readonly<Record<number, number>> = {
  13: 7,
  14: 7,
  15: 8,
  16: 8,
  17: 8,
  18: 8,
  19: 9,
  20: 9,
  21: 10,
  22: 10,
};

/** From `softmax` over one axis on, to the newest that was run. */
export const ONNX_OPSETS = Object.keys(IR_VERSIONS).map(Number);
/** What torch 1.13 to 2.8 write by default, and every runtime in use reads. */
export const DEFAULT_OPSET = 17;

/** The names of what goes in and comes out. */
export const ONNX_NAMES = { images: "images", logits: "logits", probabilities: "probabilities" } as const;

const EPSILON = 1e-5;

export interface ResNetOnnxOptions {
  readonly architecture: Architecture;
  /** Side of the pictures. */
  readonly size: number;
  /** Pictures at once; default: any number, a dimension called "batch". */
  readonly batch?: number;
  /** Default: 17. */
  readonly opset?: number;
  /** Batch norms become part of the convolutions before them: fewer nodes, other rounding. Default: false. */
  readonly fold?: boolean;
  /** With these, the softmax of logits / temperature is the first output, and the logits are the second. Default: null. */
  readonly probabilities?: { readonly temperature: number } | null;
  /** The writer's own version. */
  readonly producerVersion?: string;
  readonly doc?: string;
  /** `metadata_props`. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * A ResNet in inference mode as an ONNX file, in pieces: views of the weights, so that nothing is copied but what is folded. The graph
 * is the one that torch.onnx writes: Conv, BatchNormalization, Relu, MaxPool, Add, GlobalAveragePool, Flatten, Gemm.
 * Input "images" [batch, 3, size, size], f32, normalised as the weights want; output "logits" [batch, classes], f32. The same
 * content gives the same bytes. The weights are inside: protobuf's limit of 2 GB is far above the 240 MB of a ResNet-152.
 *
 * @param weights with torchvision's names and layout
 * @throws WeightsError ("architecture") where a tensor is missing, left over, or of another shape
 * @throws RangeError for an opset that is not one of ONNX_OPSETS
 */
export function resnetOnnx(weights: nn.StateDict, options: ResNetOnnxOptions): Uint8Array<ArrayBuffer>[] {
  const { architecture, size, batch = "batch", opset = DEFAULT_OPSET, fold = false, probabilities = null } = options;
  const irVersion = IR_VERSIONS[opset];
  if (irVersion === undefined)
    throw new RangeError(`opset ${opset} is none of ${ONNX_OPSETS[0]} to ${ONNX_OPSETS.at(-1)}`);
  const { nodes, tensors, classes } = new GraphWriter(weights, fold).network(architecture, probabilities);
  const { images, logits, probabilities: shares } = ONNX_NAMES;
  const outputs = [onnx.value(logits, [batch, classes], "")];
  if (probabilities) outputs.unshift(onnx.value(shares, [batch, classes], "of each class; they sum to 1"));
  return piecesOf(
    onnx.model({
      opset,
      irVersion,
      producerVersion: options.producerVersion ?? "",
      doc: options.doc ?? "",
      metadata: options.metadata ?? {},
      graph: {
        name: architecture,
        nodes,
        tensors,
        inputs: [
          onnx.value(images, [batch, 3, size, size], "RGB planes, normalised: see the metadata's preprocessing"),
        ],
        outputs,
      },
    }),
  );
}

/** Writes the nodes in the order in which they run. A node has the name of its module. */
class GraphWriter {
  readonly nodes: Message[] = [];
  readonly tensors: Message[] = [];
  readonly #weights: WeightReader;
  readonly #fold: boolean;

  constructor(weights: nn.StateDict, fold: boolean) {
    this.#weights = new WeightReader(weights);
    this.#fold = fold;
  }

  network(
    architecture: Architecture,
    probabilities: ResNetOnnxOptions["probabilities"],
  ): { readonly nodes: readonly Message[]; readonly tensors: readonly Message[]; readonly classes: number } {
    const { block, layers } = ARCHITECTURES[architecture];
    let x = this.#convNorm(ONNX_NAMES.images, "conv1", "bn1", { c: 3, k: 64, kernel: 7, stride: 2 });
    x = this.#relu(x.output, "relu", 64);
    const window = { ceil_mode: 0, dilations: [1, 1], kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [2, 2] };
    x = { output: this.#node("MaxPool", "maxpool", [x.output], window), channels: 64 };
    layers.forEach((count, i) => {
      const planes = 64 * 2 ** i;
      for (let n = 0; n < count; n++)
        x = this.#block(x, `layer${i + 1}.${n}`, planes, i > 0 && n === 0 ? 2 : 1, block === "bottleneck");
    });
    const pooled = this.#node("GlobalAveragePool", "avgpool", [x.output]);
    const flat = this.#node("Flatten", "flatten", [pooled], { axis: 1 });
    const { weight, bias, classes } = this.#weights.head("fc", x.channels);
    this.#constant("fc.weight", [classes, x.channels], weight);
    this.#constant("fc.bias", [classes], bias);
    const { logits, probabilities: shares } = ONNX_NAMES;
    const gemm = { alpha: { float: 1 }, beta: { float: 1 }, transB: 1 };
    this.nodes.push(onnx.node("Gemm", "fc", [flat, "fc.weight", "fc.bias"], logits, gemm));
    if (probabilities) {
      this.#constant("temperature", [], Float32Array.of(probabilities.temperature));
      const scaled = this.#node("Div", "calibrated", [logits, "temperature"]);
      this.nodes.push(onnx.node("Softmax", "softmax", [scaled], shares, { axis: 1 }));
    }
    this.#weights.nothingLeft(architecture);
    return { nodes: this.nodes, tensors: this.tensors, classes };
  }

  /** A residual block: x is [n, channels, h, w]. */
  #block(x: Activation, name: string, planes: number, stride: number, bottleneck: boolean): Activation {
    const out = bottleneck ? 4 * planes : planes;
    // v1.5: a bottleneck's stride sits on its 3x3 convolution.
    const convs = bottleneck
      ? [
          { kernel: 1, stride: 1, k: planes },
          { kernel: 3, stride, k: planes },
          { kernel: 1, stride: 1, k: out },
        ]
      : [
          { kernel: 3, stride, k: planes },
          { kernel: 3, stride: 1, k: planes },
        ];
    let h = x;
    convs.forEach((conv, i) => {
      const [own, norm] = [`${name}.conv${i + 1}`, `${name}.bn${i + 1}`];
      h = this.#convNorm(h.output, own, norm, { c: h.channels, ...conv });
      if (i + 1 < convs.length) h = this.#relu(h.output, `${name}.relu${i + 1}`, conv.k);
    });
    const shape = { c: x.channels, k: out, kernel: 1, stride };
    const changes = stride > 1 || x.channels !== out;
    const shortcut = changes ? this.#convNorm(x.output, `${name}.downsample.0`, `${name}.downsample.1`, shape) : x;
    return this.#relu(this.#node("Add", `${name}.add`, [h.output, shortcut.output]), `${name}.relu`, out);
  }

  #convNorm(x: string, conv: string, norm: string, { c, k, kernel, stride }: ConvShape): Activation {
    const shape = [k, c, kernel, kernel];
    const filters = this.#weights.take(`${conv}.weight`, shape);
    const pad = (kernel - 1) / 2;
    const attributes = {
      dilations: [1, 1],
      group: 1,
      kernel_shape: [kernel, kernel],
      pads: [pad, pad, pad, pad],
      strides: [stride, stride],
    };
    const statistics = this.#weights.norm(norm, k);
    if (this.#fold) {
      const { weight, bias } = folded(filters, statistics, k);
      this.#constant(`${conv}.weight`, shape, weight);
      this.#constant(`${conv}.bias`, [k], bias);
      const output = this.#node("Conv", conv, [x, `${conv}.weight`, `${conv}.bias`], attributes);
      return { output, channels: k };
    }
    this.#constant(`${conv}.weight`, shape, filters);
    const inputs = Object.entries(statistics).map(([part, data]) => {
      this.#constant(`${norm}.${part}`, [k], data);
      return `${norm}.${part}`;
    });
    const output = this.#node("Conv", conv, [x, `${conv}.weight`], attributes);
    return {
      output: this.#node("BatchNormalization", norm, [output, ...inputs], { epsilon: { float: EPSILON } }),
      channels: k,
    };
  }

  #relu(x: string, name: string, channels: number): Activation {
    return { output: this.#node("Relu", name, [x]), channels };
  }

  #node(type: string, name: string, inputs: readonly string[], attributes: onnx.Attributes = {}): string {
    const output = `${name}.output`;
    this.nodes.push(onnx.node(type, name, inputs, output, attributes));
    return output;
  }

  #constant(name: string, shape: readonly number[], data: Float32Array<ArrayBuffer>): void {
    this.tensors.push(onnx.tensor(name, shape, data));
  }
}

interface Activation {
  readonly output: string;
  readonly channels: number;
}

interface ConvShape {
  readonly c: number;
  readonly k: number;
  readonly kernel: number;
  readonly stride: number;
}

type Statistics = ReturnType<WeightReader["norm"]>;

/** w' = w · g, b' = bias - mean · g, with g = weight / sqrt(var + epsilon) of each output channel, computed in f64. */
function folded(
  filters: Float32Array,
  { weight, bias, running_mean: mean, running_var: variance }: Statistics,
  k: number,
): { readonly weight: Float32Array<ArrayBuffer>; readonly bias: Float32Array<ArrayBuffer> } {
  const gains = Float64Array.from({ length: k }, (_, i) => weight[i]! / Math.sqrt(variance[i]! + EPSILON));
  const perFilter = filters.length / k;
  const scaled = new Float32Array(filters.length);
  for (let i = 0; i < filters.length; i++) scaled[i] = filters[i]! * gains[Math.floor(i / perFilter)]!;
  return { weight: scaled, bias: Float32Array.from(gains, (gain, i) => bias[i]! - mean[i]! * gain) };
}
