import type { DeviceLimits } from "../limits.ts";
import type { PlanBody } from "../plan.ts";
import type { FloatType } from "../product/gemm.ts";
import { leftSide } from "../product/leftSide.ts";
import { allTaps, rightSide } from "../product/rightSide.ts";
import { rowProductPass } from "../product/rowProduct.ts";
import type { MatmulGeometry } from "./matmul.ts";

/** The matrix product as one row of pixels whose channels are summed, for software devices. */
export function rowsMatmul(
  name: string,
  { m, n, k, transposeA = false, transposeB = false, bias = false }: MatmulGeometry,
  { dtype, out }: { readonly dtype: FloatType; readonly out: FloatType },
  lanes: number,
  limits: DeviceLimits,
): PlanBody {
  const a = leftSide(
    {
      label: `${name} lay out`,
      source: "a",
      dtype,
      images: 1,
      height: 1,
      width: m,
      channels: k,
      pitch: { image: 0, down: 0, across: transposeA ? 1 : k, channel: transposeA ? m : 1 },
      padding: { top: 0, bottom: 0, left: 0, right: 0 },
    },
    lanes,
    limits,
  );
  const right = rightSide(
    {
      label: `${name} pack`,
      source: "b",
      dtype,
      columns: n,
      channels: k,
      down: allTaps(1),
      across: allTaps(1),
      pitch: { column: transposeB ? k : 1, down: 0, across: 0, channel: transposeB ? 1 : n },
      offset: 0,
    },
    m,
    lanes,
    limits,
  );
  const row = { down: 1, across: m, first: 0 };
  const product = rowProductPass(
    {
      label: name,
      m,
      n,
      left: a.array,
      rows: { ...row, pitch: { image: 0, down: 0, across: a.channels } },
      taps: { down: 1, across: 1, pitchDown: 0, pitchAcross: 0 },
      right,
      y: "y",
      dtype: out,
      out: { ...row, pitch: { image: 0, down: 0, across: n } },
      bias,
    },
    lanes,
    limits,
  );
  return {
    passes: [a.pass, right.pass, product].filter((pass) => pass !== null),
    workspace: {
      ...(a.pass ? { laidOut: a.length * 4 } : {}),
      ...(right.pass ? { packed: right.length * 4 } : {}),
    },
  };
}
