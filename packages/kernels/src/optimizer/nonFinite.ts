import type { DeviceLimits } from "../limits.ts";
import { ceilDiv, checkSizes, definePass, foldWorkgroups, type KernelPass, type KernelPlan } from "../plan.ts";
import { checkBindingSizes, F32_READ, flatWorkgroupSize } from "../elementwise/flat.ts";

export interface NonFiniteGeometry {
  readonly count: number;
  /** Leave a flag that is already set; else it is cleared first. For several buffers and one flag. */
  readonly accumulate?: boolean;
}

const FLAG = { type: "array<atomic<u32>>", access: "read_write" } as const;
const RUN = 16;

/** flag = 1 if any value of x is NaN or infinite, else 0. Operands `x` [count] f32, `flag` [1] u32. */
export function planNonFinite({ count, accumulate = false }: NonFiniteGeometry, limits: DeviceLimits): KernelPlan {
  checkSizes("nonFinite", { count });
  const name = `nonFinite [${count}]`;
  const operands = { x: count * 4, flag: 4 };
  checkBindingSizes(name, operands, limits);
  const size = flatWorkgroupSize(limits);
  const clear: KernelPass = definePass({
    label: `${name} clear`,
    bindings: { flag: FLAG },
    body: "@compute @workgroup_size(1) fn main() { atomicStore(&flag[0], 0u); }",
    workgroups: [1, 1, 1],
  });
  const cpu = limits.deviceClass === "cpu";
  const look: KernelPass = definePass({
    label: name,
    bindings: { x: F32_READ, flag: FLAG },
    params: { count: { u32: count } },
    body: `// By the bits: a compiler may take it that there are no NaNs.
@compute @workgroup_size(${size}) fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let group = wid.y * nwg.x + wid.x;
  var i = ${cpu ? `(group * ${size}u + lane) * ${RUN}u` : `group * ${size * RUN}u + lane`};
  var most = 0u;
  for (var k = 0u; k < ${RUN}u; k++) {
    if (i < params.count) { most = max(most, bitcast<u32>(x[i]) & 0x7fffffffu); }
    i += ${cpu ? 1 : size}u;
  }
  if (most >= 0x7f800000u) { atomicStore(&flag[0], 1u); }
}`,
    workgroups: foldWorkgroups(ceilDiv(count, size * RUN), limits),
  });
  return { name, operands, workspace: {}, flop: 0, bytes: operands.x + 4, passes: accumulate ? [look] : [clear, look] };
}
