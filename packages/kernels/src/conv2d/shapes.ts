import { conv2dGeometry, type Conv2dGeometry } from "./geometry.ts";

/** A convolution of a network, and how often it occurs there. */
export interface ConvShape {
  /** Where it occurs first, by torchvision's name: "layer1.0.conv2". */
  readonly name: string;
  readonly count: number;
  readonly geometry: Conv2dGeometry;
}

/** The distinct convolutions of ResNet-50 (v1.5: the stride sits on the 3x3) for `size` x `size` images. */
export function resnet50ConvShapes(size: number, batch: number): ConvShape[] {
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
  [3, 4, 6, 3].forEach((blocks, layer) => {
    const width = 64 << layer;
    for (let block = 0; block < blocks; block++) {
      const name = `layer${layer + 1}.${block}`;
      const stride = layer > 0 && block === 0 ? 2 : 1;
      add(`${name}.conv1`, side, channels, width, 1, 1);
      const after = add(`${name}.conv2`, side, width, width, 3, stride);
      add(`${name}.conv3`, after, width, width * 4, 1, 1);
      if (block === 0) add(`${name}.downsample.0`, side, channels, width * 4, 1, stride);
      side = after;
      channels = width * 4;
    }
  });
  return [...shapes.values()];
}
