import type { DeviceLimits } from "../limits.ts";
import { ceilDiv, definePass, foldWorkgroups, type KernelPass } from "../plan.ts";

/** y[i] = the sum over splits of partial[split][i], in order. Bindings `partial` and the output's name. */
export function sumSplitsPass(
  label: string,
  output: string,
  count: number,
  splits: number,
  limits: DeviceLimits,
): KernelPass {
  const size = 64;
  return definePass({
    label,
    bindings: {
      partial: { type: "array<f32>", access: "read" },
      [output]: { type: "array<f32>", access: "read_write" },
    },
    params: { count: { u32: count }, splits: { u32: splits } },
    body: `@compute @workgroup_size(${size}) fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wid.y * nwg.x + wid.x) * ${size}u + lane;
  if (i >= params.count) { return; }
  var sum = partial[i];
  for (var split = 1u; split < params.splits; split++) { sum += partial[split * params.count + i]; }
  ${output}[i] = sum;
}`,
    workgroups: foldWorkgroups(ceilDiv(count, size), limits),
  });
}
