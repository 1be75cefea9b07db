import { nn, type Tensor } from "@fracture/tensor";

/** The family of He et al. 2015 ("Deep Residual Learning"), v1.5: a bottleneck's stride sits on its 3x3 convolution, as in torchvision. */
export const ARCHITECTURES = {
  resnet18: { block: "basic", layers: [2, 2, 2, 2] },
  resnet34: { block: "basic", layers: [3, 4, 6, 3] },
  resnet50: { block: "bottleneck", layers: [3, 4, 6, 3] },
  resnet101: { block: "bottleneck", layers: [3, 4, 23, 3] },
  resnet152: { block: "bottleneck", layers: [3, 8, 36, 3] },
} as const;

export type Architecture = keyof typeof ARCHITECTURES;

const conv3x3 = (c: number, k: number, stride: number, init: nn.InitOptions): nn.Conv2d =>
  new nn.Conv2d(c, k, { kernelSize: 3, stride, padding: 1, bias: false, init: "normal", ...init });
const conv1x1 = (c: number, k: number, stride: number, init: nn.InitOptions): nn.Conv2d =>
  new nn.Conv2d(c, k, { kernelSize: 1, stride, bias: false, init: "normal", ...init });

/** 1x1 and batch norm, where a block changes the size: children "0" and "1". */
class Downsample extends nn.Sequential {
  constructor(c: number, k: number, stride: number, init: nn.InitOptions) {
    super(conv1x1(c, k, stride, init), new nn.BatchNorm2d(k, init));
  }
}

/** Two 3x3 convolutions (ResNet-18 and 34). */
class BasicBlock extends nn.Module {
  static readonly expansion = 1;
  readonly conv1: nn.Conv2d;
  readonly bn1: nn.BatchNorm2d;
  readonly conv2: nn.Conv2d;
  readonly bn2: nn.BatchNorm2d;
  readonly downsample: Downsample | null;

  constructor(inPlanes: number, planes: number, stride: number, init: nn.InitOptions) {
    super();
    this.conv1 = conv3x3(inPlanes, planes, stride, init);
    this.bn1 = new nn.BatchNorm2d(planes, init);
    this.conv2 = conv3x3(planes, planes, 1, init);
    this.bn2 = new nn.BatchNorm2d(planes, init);
    this.downsample = stride > 1 || inPlanes !== planes ? new Downsample(inPlanes, planes, stride, init) : null;
  }

  override forward(x: Tensor): Tensor {
    const h = this.bn1.apply(this.conv1.forward(x), { relu: true });
    return this.bn2.apply(this.conv2.forward(h), { relu: true, residual: this.downsample?.forward(x) ?? x });
  }
}

/** 1x1 down, 3x3, 1x1 up to four times the width (ResNet-50 and deeper). */
class Bottleneck extends nn.Module {
  static readonly expansion = 4;
  readonly conv1: nn.Conv2d;
  readonly bn1: nn.BatchNorm2d;
  readonly conv2: nn.Conv2d;
  readonly bn2: nn.BatchNorm2d;
  readonly conv3: nn.Conv2d;
  readonly bn3: nn.BatchNorm2d;
  readonly downsample: Downsample | null;

  constructor(inPlanes: number, planes: number, stride: number, init: nn.InitOptions) {
    super();
    const out = planes * Bottleneck.expansion;
    this.conv1 = conv1x1(inPlanes, planes, 1, init);
    this.bn1 = new nn.BatchNorm2d(planes, init);
    this.conv2 = conv3x3(planes, planes, stride, init);
    this.bn2 = new nn.BatchNorm2d(planes, init);
    this.conv3 = conv1x1(planes, out, 1, init);
    this.bn3 = new nn.BatchNorm2d(out, init);
    this.downsample = stride > 1 || inPlanes !== out ? new Downsample(inPlanes, out, stride, init) : null;
  }

  override forward(x: Tensor): Tensor {
    const h1 = this.bn1.apply(this.conv1.forward(x), { relu: true });
    const h2 = this.bn2.apply(this.conv2.forward(h1), { relu: true });
    return this.bn3.apply(this.conv3.forward(h2), { relu: true, residual: this.downsample?.forward(x) ?? x });
  }
}

export interface ResNetOptions extends nn.InitOptions {
  readonly architecture: Architecture;
  /** Size of the head. Default: ImageNet's 1000. */
  readonly classes?: number;
}

/** Parts of the network in order: what can be frozen, and where features can be taken. */
export const PARTS = ["stem", "layer1", "layer2", "layer3", "layer4", "avgpool", "fc"] as const;
export type Part = (typeof PARTS)[number];

/** A ResNet for pictures [n, h, w, 3], normalised as its weights want: logits [n, classes], f32. Names are torchvision's. */
export class ResNet extends nn.Module {
  readonly conv1: nn.Conv2d;
  readonly bn1: nn.BatchNorm2d;
  readonly maxpool: nn.MaxPool2d;
  readonly layer1: nn.Sequential;
  readonly layer2: nn.Sequential;
  readonly layer3: nn.Sequential;
  readonly layer4: nn.Sequential;
  readonly avgpool: nn.GlobalAvgPool;
  readonly fc: nn.Linear;
  readonly architecture: Architecture;
  readonly classes: number;

  constructor({ architecture, classes = 1000, ...init }: ResNetOptions) {
    super();
    const { block, layers } = ARCHITECTURES[architecture];
    const Block = block === "basic" ? BasicBlock : Bottleneck;
    let width = 64;
    const layer = (planes: number, count: number, stride: number): nn.Sequential => {
      const blocks = Array.from({ length: count }, (_, i) => {
        const made = new Block(width, planes, i === 0 ? stride : 1, init);
        width = planes * Block.expansion;
        return made;
      });
      return new nn.Sequential(...blocks);
    };
    this.architecture = architecture;
    this.classes = classes;
    this.conv1 = new nn.Conv2d(3, 64, { kernelSize: 7, stride: 2, padding: 3, bias: false, init: "normal", ...init });
    this.bn1 = new nn.BatchNorm2d(64, init);
    this.maxpool = new nn.MaxPool2d(3, { stride: 2, padding: 1 });
    this.layer1 = layer(64, layers[0], 1);
    this.layer2 = layer(128, layers[1], 2);
    this.layer3 = layer(256, layers[2], 2);
    this.layer4 = layer(512, layers[3], 2);
    this.avgpool = new nn.GlobalAvgPool();
    this.fc = new nn.Linear(width, classes, init, { out: "f32" });
  }

  override forward(x: Tensor): Tensor {
    return this.run(x, "stem", "fc");
  }

  /** Only the parts from `first` to `last`: `x` is the output of the part before, [n, h, w, c], and [n, c] after "avgpool". */
  run(x: Tensor, first: Part, last: Part): Tensor {
    return PARTS.slice(PARTS.indexOf(first), PARTS.indexOf(last) + 1).reduce((h, part) => this.#part(part, h), x);
  }

  /** The modules of a part, for freezing. */
  modulesOf(part: Part): nn.Module[] {
    return part === "stem" ? [this.conv1, this.bn1] : [this[part]];
  }

  #part(part: Part, x: Tensor): Tensor {
    if (part === "stem") return this.maxpool.forward(this.bn1.apply(this.conv1.forward(x), { relu: true }));
    return this[part].forward(x);
  }
}
