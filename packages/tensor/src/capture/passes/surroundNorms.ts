import {
  conv2dGeometry,
  planBatchNormTrain,
  planConv2dForward,
  planConv2dGradWeight,
  type Conv2dGeometry,
  type DeviceLimits,
} from "@fracture/kernels";
import type { Flow, MadeStep } from "./flow.ts";

/**
 * Training on a software device: batch norm writes its result with the zeros around that the convolutions after it, forward
 * and the weight's gradient, would each have laid out in a copy. They then are convolutions of larger images without padding:
 * the same sums.
 */
export function surroundNorms(flow: Flow, limits: DeviceLimits): void {
  if (limits.deviceClass !== "cpu") return;
  for (const norm of flow.kernels("batchNorm.train")) {
    const { geometry, options } = norm.made;
    const { c, dtype = "f32" } = geometry;
    const y = norm.step.operands.get("y")!;
    if (options.partialRows === undefined || options.surround || dtype !== "f32" || c % 4 !== 0) continue;
    if (!flow.isInner(y) || flow.writerOf(y) !== norm.index) continue;
    const readers = flow
      .usersOf(y)
      .slice(1)
      .map((index) => readerOf(flow, index));
    const [first] = readers;
    const isOurs = (reader: Reader | null): boolean =>
      reader !== null && reader.step.operands.get("x") === y && isPadded(reader, first!.made.geometry);
    if (!first || !readers.every(isOurs)) continue;
    const { h, w, padH, padW } = first.made.geometry;
    const surround = { height: h, width: w, down: padH, across: padW };
    const plan = planBatchNormTrain(geometry, limits, { ...options, surround });
    const around = flow.recording.allocate(plan.operands["y"]!);
    const on = (step: (typeof norm)["step"], name: string) => new Map([...step.operands, [name, around] as const]);
    flow.replace(norm.index, { kind: "kernel", plan, operands: on(norm.step, "y") });
    for (const { index, step, made } of readers.filter((reader) => reader !== null)) {
      const larger = withoutPadding(made.geometry);
      const again =
        made.kernel === "conv2d.forward"
          ? planConv2dForward(larger, limits, made.options)
          : planConv2dGradWeight(larger, limits, made.options);
      flow.replace(index, { kind: "kernel", plan: again, operands: on(step, "x") });
    }
  }
}

type Reader = MadeStep<"conv2d.forward"> | MadeStep<"conv2d.gradWeight">;

const readerOf = (flow: Flow, index: number): Reader | null =>
  flow.at(index, "conv2d.forward") ?? flow.at(index, "conv2d.gradWeight");

/** True for a convolution over images of this size with this padding, which its plan would lay out. */
const isPadded = ({ made }: Reader, { h, w, padH, padW }: Conv2dGeometry): boolean => {
  const g = made.geometry;
  return g.h === h && g.w === w && g.padH === padH && g.padW === padW && padH + padW > 0;
};

const withoutPadding = ({ n, h, w, c, k, r, s, strideH, strideW, padH, padW }: Conv2dGeometry): Conv2dGeometry =>
  conv2dGeometry({ n, h: h + 2 * padH, w: w + 2 * padW, c, k, r, s, stride: [strideH, strideW] });
