import { conv2dGeometry, type Conv2dGeometry } from "./geometry.ts";

/** A convolution of a network, and how often it occurs there. */
export interface ConvShape {
  /** Where it occurs first, by torchvision's name: "layer1.0.conv2". */
  readonly name: string;
  readonly count: number;
  readonly geometry: Conv2dGeometry;
}

/** What tells ResNets apart: the kind of their blocks, and how many each of the four layers has. */
export interface ResNetShape {
  readonly block: "basic" | "bottleneck";
  readonly layers: readonly number[];
}

/** The distinct convolutions of ResNet-50 for `size` x `size` images. */
export const resnet50ConvShapes = (size: number, batch: number): ConvShape[] =>
  resnetConvShapes({ block: "bottleneck", layers: [3, 4, 6, 3] }, size, batch);

/** The distinct convolutions of a ResNet (v1.5: the stride of a bottleneck sits on the 3x3) for `size` x `size` images. */
export function resnetConvShapes({ block: kind, layers }: ResNetShape, size: number, batch: number): ConvShape[] {
  const shapes = new Map<string, { name: string; count: number; geometry: Conv2dGeometry }>();
  const add = (name: string, side: number, c: number, k: number, filter: number, stride: number): number => {
    const geometry = conv2dGeometry({
      n: batch,
      h: side,
      w: side,
      c,
      k,
      r: filter,
      s: filter,
      stride,
      padding: (filter - 1) / 2,
    });
    const key = Object.values(geometry).join();
    const known = shapes.get(key);
    if (known) known.count += 1;
    else shapes.set(key, { name, count: 1, geometry });
    return geometry.outH;
  };
  let side = Math.ceil(add("conv1", size, 3, 64, 7, 2) / 2); // max pool 3x3/2
  let channels = 64;
  for (const [layer, blocks] of layers.entries()) {
    const width = 64 << layer;
    const outputs = kind === "basic" ? width : width * 4;
    for (let block = 0; block < blocks; block++) {
      const name = `layer${layer + 1}.${block}`;
      const stride = layer > 0 && block === 0 ? 2 : 1;
      const before = side;
      if (kind === "basic") {
        side = add(`${name}.conv1`, before, channels, width, 3, stride);
        add(`${name}.conv2`, side, width, width, 3, 1);
      } else {
        add(`${name}.conv1`, before, channels, width, 1, 1);
        side = add(`${name}.conv2`, before, width, width, 3, stride);
        add(`${name}.conv3`, side, width, outputs, 1, 1);
      }
      if (stride !== 1 || channels !== outputs) add(`${name}.downsample.0`, before, channels, outputs, 1, stride);
      channels = outputs;
    }
  }
  return [...shapes.values()];
}
