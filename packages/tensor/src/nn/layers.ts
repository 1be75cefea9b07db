import { zeros, ones, tensor } from "../create.ts";
import type { Tensor } from "../tensor.ts";
import { batchNorm } from "../ops/batchNorm.ts";
import { conv2d } from "../ops/conv2d.ts";
import { linear, type ProductOptions } from "../ops/matmul.ts";
import { globalAvgPool, maxPool2d } from "../ops/pool.ts";
import { relu } from "../ops/unary.ts";
import { reshape } from "../ops/shape.ts";
import { biasUniform, kaimingNormal, kaimingUniform, type InitOptions } from "./init.ts";
import { Buffer, Counter, Module, parameter } from "./module.ts";

/** y = x wᵀ + b: [n, in] -> [n, out]. Weight [out, in], initialised as torch's nn.Linear. */
export class Linear extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor;
  readonly options: ProductOptions;

  constructor(
    inFeatures: number,
    outFeatures: number,
    { device, generator }: InitOptions,
    options: ProductOptions = {},
  ) {
    super();
    this.options = options;
    const shape = [outFeatures, inFeatures];
    this.weight = parameter(tensor(kaimingUniform(shape, generator), { device, shape }));
    this.bias = parameter(tensor(biasUniform(shape, generator), { device, shape: [outFeatures] }));
  }

  override forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias, this.options);
  }
}

/** What a convolution layer is made of. */
export interface Conv2dOptions extends InitOptions {
  readonly kernelSize: number;
  /** Default: 1. */
  readonly stride?: number;
  /** Zeros on every side. Default: 0. */
  readonly padding?: number;
  /** Default: true, as torch. */
  readonly bias?: boolean;
  /** "uniform" is torch's default; "normal" is He's for ReLU by fan out, torchvision's for ResNet. */
  readonly init?: "uniform" | "normal";
}

/** Convolution: [n, h, w, in] -> [n, outH, outW, out]. Weight [out, k, k, in], in state dicts OIHW. */
export class Conv2d extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor | null;
  readonly stride: number;
  readonly padding: number;

  constructor(inChannels: number, outChannels: number, options: Conv2dOptions) {
    super();
    const { device, generator, kernelSize, stride = 1, padding = 0, bias = true, init = "uniform" } = options;
    const shape = [outChannels, kernelSize, kernelSize, inChannels];
    const values = init === "normal" ? kaimingNormal(shape, generator) : kaimingUniform(shape, generator);
    this.weight = parameter(tensor(values, { device, shape }));
    this.bias = bias ? parameter(tensor(biasUniform(shape, generator), { device, shape: [outChannels] })) : null;
    this.stride = stride;
    this.padding = padding;
  }

  override forward(x: Tensor): Tensor {
    const { stride, padding } = this;
    return conv2d(x, this.weight, { stride, padding, ...(this.bias ? { bias: this.bias } : {}) });
  }
}

/** Batch norm's two numbers. */
export interface BatchNormOptions {
  /** Default: 1e-5. */
  readonly eps?: number;
  /** Share of the new batch in the running statistics. Default: 0.1. */
  readonly momentum?: number;
}

/**
 * Batch normalisation over all but the last dimension (Ioffe and Szegedy 2015), as torch's BatchNorm2d: the batch's biased
 * variance normalises, the unbiased one enters the running variance. `relu` and `residual` are done in the same kernel.
 */
export class BatchNorm2d extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor;
  readonly runningMean: Buffer;
  readonly runningVar: Buffer;
  readonly numBatchesTracked = new Counter();
  readonly eps: number;
  readonly momentum: number;
  protected override readonly stateNames = {
    runningMean: "running_mean",
    runningVar: "running_var",
    numBatchesTracked: "num_batches_tracked",
  };

  constructor(
    channels: number,
    { device }: Pick<InitOptions, "device">,
    { eps = 1e-5, momentum = 0.1 }: BatchNormOptions = {},
  ) {
    super();
    this.weight = parameter(ones([channels], { device }));
    this.bias = parameter(zeros([channels], { device }));
    this.runningMean = new Buffer(zeros([channels], { device }));
    this.runningVar = new Buffer(ones([channels], { device }));
    this.eps = eps;
    this.momentum = momentum;
  }

  override forward(x: Tensor): Tensor {
    return this.apply(x, {});
  }

  /** relu(bn(x) + residual), each where asked for, in one kernel. */
  apply(
    x: Tensor,
    { relu: withRelu = false, residual }: { readonly relu?: boolean; readonly residual?: Tensor },
  ): Tensor {
    if (this.training) x.device.onEveryRun(() => void (this.numBatchesTracked.value += 1));
    return batchNorm(x, {
      weight: this.weight,
      bias: this.bias,
      runningMean: this.runningMean.tensor,
      runningVar: this.runningVar.tensor,
      training: this.training,
      eps: this.eps,
      momentum: this.momentum,
      relu: withRelu,
      ...(residual ? { residual } : {}),
    });
  }
}

/** max(x, 0), element by element, any shape. */
export class ReLU extends Module {
  override forward(x: Tensor): Tensor {
    return relu(x);
  }
}

/** Largest value of each window: [n, h, w, c] -> [n, outH, outW, c]. */
export class MaxPool2d extends Module {
  readonly options: { readonly kernelSize: number; readonly stride: number; readonly padding: number };

  constructor(
    kernelSize: number,
    { stride = kernelSize, padding = 0 }: { readonly stride?: number; readonly padding?: number } = {},
  ) {
    super();
    this.options = { kernelSize, stride, padding };
  }

  override forward(x: Tensor): Tensor {
    return maxPool2d(x, this.options);
  }
}

/** Mean over the picture: [n, h, w, c] -> [n, c] (torch's AdaptiveAvgPool2d(1) and flatten). */
export class GlobalAvgPool extends Module {
  override forward(x: Tensor): Tensor {
    return globalAvgPool(x);
  }
}

/** [n, ...] -> [n, product]. The order of elements is the engine's: channels last. */
export class Flatten extends Module {
  override forward(x: Tensor): Tensor {
    return reshape(x, [x.shape[0]!, -1]);
  }
}

/** Modules one after the other; children are named "0", "1", ... */
export class Sequential extends Module {
  readonly children: readonly Module[];

  constructor(...children: Module[]) {
    super();
    this.children = children;
  }

  override *namedChildren(): Generator<[string, Module]> {
    for (const [i, child] of this.children.entries()) yield [String(i), child];
  }

  override forward(x: Tensor): Tensor {
    return this.children.reduce((h, child) => child.forward(h), x);
  }
}
