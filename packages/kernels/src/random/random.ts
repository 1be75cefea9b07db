import type { DeviceLimits } from "../limits.ts";
import { ceilDiv, checkSizes, definePass, foldWorkgroups, type KernelPlan, type Param } from "../plan.ts";
import { checkBindingSizes, F32_WRITE, flatWorkgroupSize, U32_READ, U32_WRITE } from "../elementwise/flat.ts";
import { PHILOX_MULTIPLIERS, PHILOX_ROUNDS, PHILOX_WEYL, type RandomSequence } from "./philox.ts";

export interface RandomGeometry {
  /**
   * uniform: from `a` (0) to `b` (1), b excluded. normal: mean `a` (0), standard deviation `b` (1). bernoulli: `b` (1) with
   * probability `a` (0.5), else 0. bits: u32.
   */
  readonly distribution: "uniform" | "normal" | "bernoulli" | "bits";
  readonly count: number;
  readonly a?: number;
  readonly b?: number;
  /** Left out, the sequence is read from the operand `state`, RANDOM_STATE_WORDS u32: seed, stream. */
  readonly sequence?: RandomSequence;
  /** The index in the sequence of y's first element, a multiple of 4. */
  readonly offset?: number;
}

/** The u32 of the operand `state`: seed 0, seed 1, stream 0, stream 1. */
export const RANDOM_STATE_WORDS = 4;

const DEFAULTS = { uniform: [0, 1], normal: [0, 1], bernoulli: [0.5, 1], bits: [0, 0] } as const;

const VALUES = {
  uniform: "let v = params.a + vec4f(bits >> vec4u(8u)) * ${SCALE} * (params.b - params.a);",
  bernoulli: "let v = select(vec4f(), vec4f(params.b), vec4f(bits >> vec4u(8u)) * ${SCALE} < vec4f(params.a));",
  normal: `let radius = sqrt(-2.0 * log((vec2f(bits.xz >> vec2u(8u)) + 1.0) * \${SCALE}));
  // within (-pi, pi], where sin and cos are accurate everywhere
  let turn = vec2f(bits.yw >> vec2u(8u)) * \${SCALE};
  let angle = (turn - select(vec2f(), vec2f(1.0), turn > vec2f(0.5))) * 6.283185307179586;
  let v = params.a + params.b * vec4f(radius * cos(angle), radius * sin(angle)).xzyw;`,
  bits: "let v = bits;",
} as const;

/**
 * y = random numbers, a pure function of (seed, stream, index): Philox 4x32-10, four elements a counter. Operands `y` (f32;
 * u32 for bits) and, without `sequence`, `state`. The integers equal `philoxBlock`'s; normal numbers differ from
 * `randomNormals` by the device's log, sin and cos.
 */
export function planRandom(geometry: RandomGeometry, limits: DeviceLimits): KernelPlan {
  const { distribution, count, sequence, offset = 0 } = geometry;
  const [a, b] = [geometry.a ?? DEFAULTS[distribution][0], geometry.b ?? DEFAULTS[distribution][1]];
  checkSizes("random", { count, "offset / 4 + 1": offset / 4 + 1 });
  const name = `random ${distribution} [${count}]`;
  const operands: Record<string, number> = { ...(sequence ? {} : { state: RANDOM_STATE_WORDS * 4 }), y: count * 4 };
  checkBindingSizes(name, operands, limits);
  const blocks = ceilDiv(count, 4);
  const size = flatWorkgroupSize(limits);
  const block = offset / 4;
  const words: Record<string, Param> = sequence
    ? {
        seed0: { u32: sequence.seed[0] },
        seed1: { u32: sequence.seed[1] },
        stream0: { u32: sequence.stream[0] },
        stream1: { u32: sequence.stream[1] },
      }
    : {};
  const pass = definePass({
    label: name,
    bindings: { ...(sequence ? {} : { state: U32_READ }), y: distribution === "bits" ? U32_WRITE : F32_WRITE },
    params: {
      count: { u32: count },
      firstBlock: { u32: block >>> 0 },
      firstHigh: { u32: Math.floor(block / 4_294_967_296) },
      a: { f32: a },
      b: { f32: b },
      ...words,
    },
    body: `fn mulHigh(a: u32, b: u32) -> u32 {
  let low = (a & 0xffffu) * (b & 0xffffu);
  let lowHigh = (a & 0xffffu) * (b >> 16u);
  let highLow = (a >> 16u) * (b & 0xffffu);
  let middle = (low >> 16u) + (lowHigh & 0xffffu) + (highLow & 0xffffu);
  return (a >> 16u) * (b >> 16u) + (lowHigh >> 16u) + (highLow >> 16u) + (middle >> 16u);
}
fn philox(counter: vec4u, seed: vec2u) -> vec4u {
  var c = counter;
  var k = seed;
  for (var round = 0; round < ${PHILOX_ROUNDS}; round++) {
    c = vec4u(
      mulHigh(${PHILOX_MULTIPLIERS[1]}u, c.z) ^ c.y ^ k.x, ${PHILOX_MULTIPLIERS[1]}u * c.z,
      mulHigh(${PHILOX_MULTIPLIERS[0]}u, c.x) ^ c.w ^ k.y, ${PHILOX_MULTIPLIERS[0]}u * c.x);
    k += vec2u(${PHILOX_WEYL[0]}u, ${PHILOX_WEYL[1]}u);
  }
  return c;
}
@compute @workgroup_size(${size}) fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let block = (wid.y * nwg.x + wid.x) * ${size}u + lane;
  if (block * 4u >= params.count) { return; }
  let seed = ${sequence ? "vec2u(params.seed0, params.seed1)" : "vec2u(state[0], state[1])"};
  let stream = ${sequence ? "vec2u(params.stream0, params.stream1)" : "vec2u(state[2], state[3])"};
  let low = params.firstBlock + block;
  let bits = philox(vec4u(low, params.firstHigh + u32(low < block), stream), seed);
  ${VALUES[distribution].replaceAll("${SCALE}", "5.960464477539063e-8")}
  for (var k = 0u; k < min(4u, params.count - block * 4u); k++) { y[block * 4u + k] = v[k]; }
}`,
    workgroups: foldWorkgroups(ceilDiv(blocks, size), limits),
  });
  return { name, operands, workspace: {}, flop: count, bytes: count * 4, passes: [pass] };
}
