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

/** Uniform numbers in [0, 1) from a seed (mulberry32): the same in every process and language (peers/pytorch/given.py). */
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
 * The state dict of ResNet-50 with torchvision's names and layout (filters OIHW), in the order in which its values are drawn:
 * { name, shape, low, high }. Filters are He's by fan in, and running statistics are not the identity, so that a batch norm
 * left out would show.
 */
export function weightSpecs() {
  const specs = [];
  const put = (name, shape, low, high) => specs.push({ name, shape, low, high });
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
  return specs;
}

/** Those weights: name -> { shape, data }. */
export function seededWeights(seed = 1) {
  const next = generator(seed);
  return new Map(
    weightSpecs().map(({ name, shape, low, high }) => {
      const size = shape.reduce((a, b) => a * b, 1);
      return [name, { shape, data: uniform(next, size, low, high) }];
    }),
  );
}

/** How many values an operand of a kernel can take: multiples of 1/1024 in [-1, 1), which f16 holds exactly. */
const LEVELS = 2048;

/** Operand `seed` of a kernel: f32, or f16 as its bits. */
export function seededOperand(size, seed, dtype) {
  const next = generator(seed);
  const data = dtype === "f16" ? new Uint16Array(size) : new Float32Array(size);
  const table = Array.from({ length: LEVELS }, (_, level) => {
    const value = (level - LEVELS / 2) / (LEVELS / 2);
    return dtype === "f16" ? halfBits(value) : value;
  });
  for (let i = 0; i < size; i++) data[i] = table[Math.floor(next() * LEVELS)];
  return data;
}

/** The bits of a number that f16 holds exactly and that is 0 or at least 2^-14. */
function halfBits(value) {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0];
  if (value === 0) return 0;
  return ((bits >>> 16) & 0x8000) | ((((bits >>> 23) & 0xff) - 112) << 10) | ((bits >>> 13) & 0x3ff);
}

/** The number that f16 bits stand for. */
export function fromHalf(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 31;
  const fraction = bits & 0x3ff;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

/** How many values of a kernel's result sides compare: evenly spread over it. */
export const SAMPLES = 1024;

export function sampleIndices(size) {
  const count = Math.min(SAMPLES, size);
  return Array.from({ length: count }, (_, i) => Math.floor((i * size) / count));
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
