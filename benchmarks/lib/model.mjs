// ResNet-50 v1.5 as plain data, with weights and pictures from a seed: what every side of a comparison is given.

export const CLASSES = 1000;
const STAGES = [
  { planes: 64, blocks: 3, stride: 1 },
  { planes: 128, blocks: 4, stride: 2 },
  { planes: 256, blocks: 6, stride: 2 },
  { planes: 512, blocks: 3, stride: 2 },
];
const EXPANSION = 4;

/** The bottlenecks in order: torchvision's name, stride of the 3x3, whether the shortcut is projected, and the widths. */
export const BOTTLENECKS = STAGES.flatMap(({ planes, blocks, stride }, stage) =>
  Array.from({ length: blocks }, (_, block) => ({
    name: `layer${stage + 1}.${block}`,
    stride: block === 0 ? stride : 1,
    projected: block === 0,
    inPlanes: block > 0 ? planes * EXPANSION : stage === 0 ? 64 : (planes / 2) * EXPANSION,
    planes,
    outPlanes: planes * EXPANSION,
  })),
);

/** Uniform numbers in [0, 1) from a seed (mulberry32): the same in every process, and quick for 25 million weights. */
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function uniform(next, size, low, high) {
  const data = new Float32Array(size);
  for (let i = 0; i < size; i++) data[i] = low + (high - low) * next();
  return data;
}

/**
 * A state dict with torchvision's names and layout (filters OIHW): name -> { shape, data }. Filters are He's by fan in, and
 * running statistics are not the identity, so that a batch norm left out would show.
 */
export function seededWeights(seed = 1) {
  const next = generator(seed);
  const weights = new Map();
  const put = (name, shape, low, high) =>
    weights.set(name, {
      shape,
      data: uniform(
        next,
        shape.reduce((a, b) => a * b, 1),
        low,
        high,
      ),
    });
  const conv = (name, out, size, inputs) => {
    const bound = Math.sqrt(6 / (inputs * size * size));
    put(`${name}.weight`, [out, inputs, size, size], -bound, bound);
  };
  const norm = (name, channels, gain) => {
    put(`${name}.weight`, [channels], 0.8 * gain, 1.2 * gain);
    put(`${name}.bias`, [channels], -0.1, 0.1);
    put(`${name}.running_mean`, [channels], -0.1, 0.1);
    put(`${name}.running_var`, [channels], 0.8, 1.2);
  };
  conv("conv1", 64, 7, 3);
  norm("bn1", 64, 1);
  for (const { name, inPlanes, planes, outPlanes, projected } of BOTTLENECKS) {
    conv(`${name}.conv1`, planes, 1, inPlanes);
    norm(`${name}.bn1`, planes, 1);
    conv(`${name}.conv2`, planes, 3, planes);
    norm(`${name}.bn2`, planes, 1);
    conv(`${name}.conv3`, outPlanes, 1, planes);
    norm(`${name}.bn3`, outPlanes, 0.3); // sixteen shortcuts add up: small branches keep activations near one
    if (!projected) continue;
    conv(`${name}.downsample.0`, outPlanes, 1, inPlanes);
    norm(`${name}.downsample.1`, outPlanes, 1);
  }
  const features = BOTTLENECKS.at(-1).outPlanes;
  put("fc.weight", [CLASSES, features], -1 / Math.sqrt(features), 1 / Math.sqrt(features));
  put("fc.bias", [CLASSES], -0.02, 0.02);
  return weights;
}

/** Normalised pictures [n, size, size, 3] and their labels [n]. */
export function seededBatch({ batch, size, seed = 2 }) {
  const next = generator(seed);
  const images = uniform(next, batch * size * size * 3, -2, 2);
  return { images, labels: Int32Array.from({ length: batch }, () => Math.floor(next() * CLASSES)) };
}

/** [outer][a][b] -> [outer][b][a]: OIHW to OHWI, NHWC to NCHW. */
export function swapInner(data, outer, a, b) {
  const result = new Float32Array(data.length);
  for (let n = 0; n < outer; n++) {
    const base = n * a * b;
    for (let i = 0; i < a; i++) for (let j = 0; j < b; j++) result[base + j * a + i] = data[base + i * b + j];
  }
  return result;
}
