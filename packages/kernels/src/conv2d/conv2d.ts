import type { Candidate } from "../choices.ts";
import { checkBindingSizes } from "../elementwise/flat.ts";
import type { DeviceLimits } from "../limits.ts";
import { GeometryError } from "../errors.ts";
import type { Made } from "../made.ts";
import type { KernelPlan } from "../plan.ts";
import { epilogueFlop, epilogueOperands, type Epilogue } from "../product/epilogue.ts";
import type { FloatType } from "../product/gemm.ts";
import { chooseVariant, type Variant } from "../product/variants.ts";
import { checkStored, storedName } from "../stored.ts";
import { conv2dBytes, conv2dFlop, describeConv2d, describeFilter, type Conv2dGeometry } from "./geometry.ts";
import { forwardVariants, gradInputVariants, gradWeightVariants } from "./variants.ts";

export interface Conv2dOptions {
  /** The type of x, w, y and their gradients, but for dw, which is f32, as are all sums and the bias. Default: "f32". */
  readonly dtype?: FloatType;
  /** A name among the product's candidates, or the first of a family: "rows", "tiled", "cooperative". Default: the device's choice, or the plan's rule. */
  readonly variant?: string;
}

export interface Conv2dForwardOptions extends Conv2dOptions {
  /** Adds `bias` [k], f32. Default: false. */
  readonly bias?: boolean;
  /** What becomes of the values before they are stored, or beside. Default: nothing. */
  readonly epilogue?: Epilogue;
}

export interface Conv2dGradInputOptions extends Conv2dOptions {
  /** Adds to `dx` instead of writing it. Default: false. */
  readonly accumulate?: boolean;
}

export type Conv2dProduct = "forward" | "gradInput" | "gradWeight";

/** The product in `DeviceLimits.choices`: "conv2d.forward f16 3x3/1 56x56 64 -> 64", the same for every batch. */
export const conv2dKey = (product: Conv2dProduct, g: Conv2dGeometry, dtype: FloatType = "f32"): string =>
  `conv2d.${product} ${dtype} ${describeFilter(g)} ${g.h}x${g.w} ${g.c} -> ${g.k}`;

/** What a product is, whichever of its variants computes it. */
interface Product {
  readonly product: Conv2dProduct;
  readonly g: Conv2dGeometry;
  readonly dtype: FloatType;
  readonly operands: Readonly<Record<string, number>>;
  readonly flop: number;
  readonly variants: (limits: DeviceLimits) => Variant[];
  readonly epilogue?: Epilogue;
  readonly made: (epilogueRows: number | null) => Made;
}

function nameOf({ product, g, dtype }: Product): string {
  return `conv2d.${product}${storedName(dtype)} ${describeConv2d(g)}`;
}

function write(product: Product, { variant, epilogueRows, build }: Variant, limits: DeviceLimits): KernelPlan {
  const { flop, epilogue, g } = product;
  const name = nameOf(product);
  if (epilogue && epilogueRows === null)
    throw new GeometryError(name, "this variant takes no epilogue", { variant, epilogue: epilogue.kind });
  const { passes, workspace } = build();
  const result = { m: g.n * g.outH * g.outW, n: g.k, tileRows: epilogueRows ?? 1 };
  const operands = {
    ...product.operands,
    ...epilogueOperands(epilogue ?? null, { ...result, bytes: product.operands["y"] ?? 0 }),
  };
  checkBindingSizes(name, { ...operands, ...workspace }, limits);
  const bytes = Object.values(operands).reduce((sum, size) => sum + size, 0);
  return { name, operands, workspace, flop, bytes, passes, made: product.made(epilogueRows) };
}

function planOf(product: Product, limits: DeviceLimits, wanted: string | undefined): KernelPlan {
  checkStored(nameOf(product), product.dtype, limits);
  const key = conv2dKey(product.product, product.g, product.dtype);
  return write(product, chooseVariant(key, product.variants(limits), wanted, limits), limits);
}

function candidatesOf(product: Product, limits: DeviceLimits): Candidate[] {
  checkStored(nameOf(product), product.dtype, limits);
  return product
    .variants(limits)
    .map((variant) => ({ variant: variant.variant, plan: write(product, variant, limits) }));
}

function forward(g: Conv2dGeometry, options: Conv2dForwardOptions): Product {
  const { dtype = "f32", bias = false, epilogue } = options;
  const { x, w, y } = conv2dBytes(g, dtype);
  return {
    product: "forward",
    g,
    dtype,
    operands: { x, w, ...(bias ? { bias: g.k * 4 } : {}), y },
    flop: conv2dFlop(g) + ((bias ? 1 : 0) + epilogueFlop(epilogue ?? null)) * g.n * g.outH * g.outW * g.k,
    variants: (limits) => forwardVariants(g, dtype, bias, epilogue ?? null, limits),
    ...(epilogue ? { epilogue } : {}),
    made: (epilogueRows) => ({ kernel: "conv2d.forward", geometry: g, options, epilogueRows }),
  };
}

function gradInput(g: Conv2dGeometry, options: Conv2dGradInputOptions): Product {
  const { dtype = "f32", accumulate = false } = options;
  const { x, w, y } = conv2dBytes(g, dtype);
  const epilogue = accumulate ? ({ kind: "accumulate" } as const) : null;
  return {
    product: "gradInput",
    g,
    dtype,
    operands: { dy: y, w, dx: x },
    flop: conv2dFlop(g) + (accumulate ? g.n * g.h * g.w * g.c : 0),
    variants: (limits) => gradInputVariants(g, dtype, epilogue, limits),
    ...(epilogue ? { epilogue } : {}),
    made: (epilogueRows) => ({ kernel: "conv2d.gradInput", geometry: g, options, epilogueRows }),
  };
}

function gradWeight(g: Conv2dGeometry, options: Conv2dOptions): Product {
  const { dtype = "f32" } = options;
  const { x, y } = conv2dBytes(g, dtype);
  const { w } = conv2dBytes(g, "f32");
  return {
    product: "gradWeight",
    g,
    dtype,
    operands: { x, dy: y, dw: w },
    flop: conv2dFlop(g),
    variants: (limits) => gradWeightVariants(g, dtype, limits),
    made: () => ({ kernel: "conv2d.gradWeight", geometry: g, options }),
  };
}

/**
 * y = x * w (+ bias): cross-correlation with zero padding, as torch's conv2d, channels last. Operands `x` [n, h, w, c],
 * `w` [k, r, s, c], (`bias` [k]) and `y` [n, outH, outW, k]. All three products throw GeometryError for a variant that the device
 * lacks or that takes no epilogue, and DeviceLimitError for an operand that can't be bound and for f16 where there is none.
 */
export const planConv2dForward = (
  g: Conv2dGeometry,
  limits: DeviceLimits,
  options: Conv2dForwardOptions = {},
): KernelPlan => planOf(forward(g, options), limits, options.variant);

/** dx = dL/dx from dy = dL/dy. Operands `dy` [n, outH, outW, k], `w` [k, r, s, c] and `dx` [n, h, w, c]. */
export const planConv2dGradInput = (
  g: Conv2dGeometry,
  limits: DeviceLimits,
  options: Conv2dGradInputOptions = {},
): KernelPlan => planOf(gradInput(g, options), limits, options.variant);

/** dw = dL/dw from dy = dL/dy, summed over the batch, f32. Operands `x` [n, h, w, c], `dy` [n, outH, outW, k] and `dw` [k, r, s, c]. */
export const planConv2dGradWeight = (
  g: Conv2dGeometry,
  limits: DeviceLimits,
  options: Conv2dOptions = {},
): KernelPlan => planOf(gradWeight(g, options), limits, options.variant);

/** Every way to compute the forward product on a device, the one that its rule takes first. */
export const conv2dForwardCandidates = (
  g: Conv2dGeometry,
  limits: DeviceLimits,
  options: Omit<Conv2dForwardOptions, "variant"> = {},
): Candidate[] => candidatesOf(forward(g, options), limits);

/** The same for the input's gradient. */
export const conv2dGradInputCandidates = (
  g: Conv2dGeometry,
  limits: DeviceLimits,
  options: Omit<Conv2dOptions, "variant"> = {},
): Candidate[] => candidatesOf(gradInput(g, options), limits);

/** The same for the weight's gradient. */
export const conv2dGradWeightCandidates = (
  g: Conv2dGeometry,
  limits: DeviceLimits,
  options: Omit<Conv2dOptions, "variant"> = {},
): Candidate[] => candidatesOf(gradWeight(g, options), limits);
