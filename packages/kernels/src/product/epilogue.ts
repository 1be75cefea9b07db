import type { DeviceLimits } from "../limits.ts";
import { ceilDiv, type Param, type PassDefinition } from "../plan.ts";
import { storedArray, type ActivationType } from "../stored.ts";

/**
 * What a product does with its values before they are stored, or beside it. The columns n of the result are channels.
 * - `norm`: batch norm by the running statistics, y = relu((value - mean) / sqrt(var + eps) * gamma + beta + residual). Operands
 *   `gamma`, `beta`, `runningMean`, `runningVar` [n] and, where asked for, `residual`, which lies as y does.
 * - `accumulate`: y += value.
 * - `statistics`: y = value, and mean and sum of squared deviations of each tile of rows in `partials` [tiles, 2, n], f32.
 */
export type Epilogue =
  | { readonly kind: "norm"; readonly eps: number; readonly relu: boolean; readonly residual: boolean }
  | Accumulate
  | { readonly kind: "statistics" };

export interface Accumulate {
  readonly kind: "accumulate";
}

/** An epilogue as WGSL, for one value at a time or for vec4s of neighbours. */
export interface EpilogueCode {
  readonly bindings: PassDefinition["bindings"];
  readonly params: Readonly<Record<string, Param>>;
  /** A function that the values call. */
  readonly functions: string;
  /** Statements that find a column's constants (or four columns', by its index / 4); their names end in `suffix`. */
  readonly perColumn: (column: string, suffix: string) => string;
  /** What is stored at `at`, as an f32, from the product's value; uses the column's constants. */
  readonly value: (value: string, at: string, suffix: string) => string;
}

const NONE: EpilogueCode = { bindings: {}, params: {}, functions: "", perColumn: () => "", value: (value) => value };

/** The WGSL of an epilogue for a result in the array `y` of type `dtype`; without one the value is stored as it is. */
export function epilogueCode(
  epilogue: Epilogue | null,
  y: string,
  dtype: ActivationType = "f32",
  width: 1 | 4 = 1,
): EpilogueCode {
  const stored = storedArray(dtype, width);
  const f32 = storedArray("f32", width).read;
  switch (epilogue?.kind) {
    case undefined:
      return NONE;
    case "accumulate":
      return { ...NONE, value: (value, at) => `${stored.load(`${y}[${at}]`)} + ${value}` };
    case "statistics":
      return { ...NONE, bindings: { partials: { type: "array<f32>", access: "read_write" } } };
    case "norm": {
      const { eps, relu, residual } = epilogue;
      return {
        bindings: {
          gamma: f32,
          beta: f32,
          runningMean: f32,
          runningVar: f32,
          ...(residual ? { residual: stored.read } : {}),
        },
        params: { eps: { f32: eps } },
        functions: relu ? RECTIFIED[width] : "",
        perColumn: (column, k) =>
          `let mean${k} = runningMean[${column}]; let scale${k} = 1.0 / sqrt(runningVar[${column}] + params.eps) * gamma[${column}]; let shift${k} = beta[${column}];`,
        value: (value, at, k) => {
          const added = residual ? ` + ${stored.load(`residual[${at}]`)}` : "";
          const normal = `(${value} - mean${k}) * scale${k} + shift${k}${added}`;
          // a select, not a max: NaN goes through, as torch's relu lets it
          return relu ? `rectified(${normal})` : normal;
        },
      };
    }
  }
}

const RECTIFIED = {
  1: "fn rectified(value: f32) -> f32 { return select(value, 0.0, value < 0.0); }\n",
  4: "fn rectified(value: vec4f) -> vec4f { return select(value, vec4f(), value < vec4f()); }\n",
};

/** The operands of an epilogue beside the product's own, in bytes, for a result [m, n] in tiles of `tileRows` rows. */
export function epilogueOperands(
  epilogue: Epilogue | null,
  {
    m,
    n,
    bytes,
    tileRows,
  }: { readonly m: number; readonly n: number; readonly bytes: number; readonly tileRows: number },
): Record<string, number> {
  switch (epilogue?.kind) {
    case undefined:
    case "accumulate":
      return {};
    case "statistics":
      return { partials: ceilDiv(m, tileRows) * 2 * n * 4 };
    case "norm":
      return {
        gamma: n * 4,
        beta: n * 4,
        runningMean: n * 4,
        runningVar: n * 4,
        ...(epilogue.residual ? { residual: bytes } : {}),
      };
  }
}

/** Floating-point operations of an epilogue for each value. */
export const epilogueFlop = (epilogue: Epilogue | null): number =>
  epilogue === null ? 0 : { norm: 3, accumulate: 1, statistics: 4 }[epilogue.kind];

/** True where a pass with so many storage buffers and this epilogue's beside them can be bound. */
export const fitsEpilogue = (epilogue: Epilogue, buffers: number, limits: DeviceLimits): boolean =>
  buffers + Object.keys(epilogueCode(epilogue, "y").bindings).length <= limits.maxStorageBuffersPerStage;
