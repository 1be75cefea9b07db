import type { Candidate } from "../choices.ts";
import { checkBindingSizes } from "../elementwise/flat.ts";
import type { DeviceLimits } from "../limits.ts";
import { checkSizes, type KernelPlan, type PlanBody } from "../plan.ts";
import type { FloatType } from "../product/gemm.ts";
import { rowLanes } from "../product/lanes.ts";
import { chooseVariant, cooperativeVariants, tiledVariants, type Variant } from "../product/variants.ts";
import { checkStored, storedBytes } from "../stored.ts";
import { matmulGemm } from "./gemm.ts";
import { rowsMatmul } from "./rows.ts";

export interface MatmulGeometry {
  /** [m, k] x [k, n] -> [m, n]. All three are data: other sizes, the same WGSL. */
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** A is stored as [k, m]. Default: false. */
  readonly transposeA?: boolean;
  /** B is stored as [n, k], as the weight of torch's Linear. Default: false. */
  readonly transposeB?: boolean;
  /** Adds `bias` [n] to every row. Default: false. */
  readonly bias?: boolean;
}

export interface MatmulOptions {
  /** The type of A and B. Sums and bias are f32 either way. Default: "f32". */
  readonly dtype?: FloatType;
  /** The type of Y. Default: that of A and B. */
  readonly out?: FloatType;
  /** One of `matmulCandidates`, or the first of a family: "rows", "tiled", "cooperative". Default: the device's choice, or the plan's rule. */
  readonly variant?: string;
}

/**
 * Y = op(A) op(B) + bias. Operands `a`, `b`, (`bias`) and `y`, contiguous and row-major. In f16 the WGSL depends on whether
 * the rows of A, B and Y in memory are a multiple of 4 or 8 long, on no other size. Throws GeometryError for sizes that aren't
 * positive integers and a variant that the device lacks, DeviceLimitError for an operand that can't be bound and for f16
 * where there is none.
 */
export function planMatmul(geometry: MatmulGeometry, limits: DeviceLimits, options: MatmulOptions = {}): KernelPlan {
  const { plan, variants } = prepare(geometry, limits, options);
  return plan(chooseVariant(matmulKey(geometry, options), variants, options.variant, limits));
}

/** Every way to compute the product on a device, the one that its rule takes first. */
export function matmulCandidates(
  geometry: MatmulGeometry,
  limits: DeviceLimits,
  options: Omit<MatmulOptions, "variant"> = {},
): Candidate[] {
  const { plan, variants } = prepare(geometry, limits, options);
  return variants.map((variant) => ({ variant: variant.variant, plan: plan(variant) }));
}

/** The product in `DeviceLimits.choices`: "matmul f16 ABᵀ 1000,2048", without the size that is the batch where A is one: its rows in memory. */
export function matmulKey(geometry: MatmulGeometry, { dtype = "f32", out = dtype }: MatmulOptions = {}): string {
  const { m, n, k, transposeA = false } = geometry;
  const types = dtype === out ? dtype : `${dtype} to ${out}`;
  return `matmul ${types} ${describeSides(geometry)} ${transposeA ? `${m},${n}` : `${k},${n}`}`;
}

const describeSides = ({ transposeA = false, transposeB = false }: MatmulGeometry): string =>
  `${transposeA ? "Aᵀ" : "A"}${transposeB ? "Bᵀ" : "B"}`;

function prepare(
  geometry: MatmulGeometry,
  limits: DeviceLimits,
  { dtype = "f32", out = dtype }: MatmulOptions,
): { plan: (variant: Variant) => KernelPlan; variants: Variant[] } {
  const { m, n, k, bias = false } = geometry;
  checkSizes("matmul", { m, n, k });
  const types = dtype === "f32" && out === "f32" ? "" : ` ${dtype === out ? dtype : `${dtype} to ${out}`}`;
  const name = `matmul${types} ${describeSides(geometry)} [${m},${k}]x[${k},${n}]`;
  checkStored(name, dtype === "f16" ? dtype : out, limits);
  const operands = {
    a: storedBytes(dtype, m * k),
    b: storedBytes(dtype, k * n),
    ...(bias ? { bias: n * 4 } : {}),
    y: storedBytes(out, m * n),
  };
  checkBindingSizes(name, operands, limits);
  const flop = 2 * m * n * k + (bias ? m * n : 0);
  const bytes = Object.values(operands).reduce((sum, size) => sum + size, 0);
  const gemm = matmulGemm(name, geometry, dtype, out);
  const tiled = tiledVariants((_, pass): PlanBody => ({ passes: [pass(gemm)], workspace: {} }), 64, limits);
  const cooperative =
    dtype === "f16"
      ? cooperativeVariants(
          (_, pass): PlanBody => ({ passes: [pass(gemm)], workspace: {} }),
          gemm,
          n >= LARGE_COLUMNS ? "large" : "small",
          limits,
        )
      : [];
  const lanes = rowLanes(limits);
  const rows: Variant[] = lanes
    ? [{ variant: "rows", epilogueRows: null, build: () => rowsMatmul(name, geometry, { dtype, out }, lanes, limits) }]
    : [];
  return {
    variants: [...rows, ...cooperative, ...tiled],
    plan: ({ build }) => {
      const { passes, workspace } = build();
      checkBindingSizes(name, workspace, limits);
      return { name, operands, workspace, flop, bytes, passes };
    },
  };
}

/** Columns from which on the large tile is worth it, whatever the rows: those are data. */
const LARGE_COLUMNS = 1024;
