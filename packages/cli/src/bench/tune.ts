import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { resnetConvShapes, type ActivationType, type Candidate, type Choices } from "@fracture/kernels";
import { ARCHITECTURES, type Architecture } from "@fracture/resnet";
import type { Device } from "@fracture/tensor";
import { writeFileAtomic } from "@fracture/train";
import { CheckError } from "../exitCodes.ts";
import type { Io } from "../io.ts";
import type { Progress } from "../output/progress.ts";
import { readTuned, tunedContent, tunedPath } from "../tuning/cacheFile.ts";
import type { MeasureOptions } from "./measure.ts";
import { CONV_PRODUCTS, convProduct, matmulProduct, measureProduct, type Product } from "./products.ts";
import type { BenchRow } from "./report.ts";
import { readConvShapes } from "./shapes.ts";

export interface TuneOptions {
  readonly arch: Architecture;
  readonly size: number;
  readonly batchSize: number;
  readonly classes: number;
  readonly dtype: ActivationType;
  /** A file of convolutions to measure instead of the network's. */
  readonly shapes?: string;
}

/** A product with the variant that was found fastest. */
export interface TunedRow extends BenchRow {
  readonly variant: string;
  /** What the plan's rule takes, and its time. */
  readonly rule: string;
  readonly rule_ms: number;
}

/** Candidates that take longer than so many times the fastest in a first run are out. */
const HOPELESS = 1.5;
/** A variant has to win by so much, twice, over the one by rule: less is noise. */
const LEAST_GAIN = 0.03;

/** Features that the last layer of a ResNet reads. */
const featuresOf = (arch: Architecture): number => (ARCHITECTURES[arch].block === "basic" ? 512 : 2048);

/**
 * The products to measure, each once: those of a network's training step, where the first layer's input needs no gradient, or those of a file's
 * convolutions. Throws an InputError for a file that is none.
 */
export async function productsOf(options: TuneOptions): Promise<Product[]> {
  const { shapes, dtype } = options;
  const products =
    shapes === undefined
      ? networkProducts(options)
      : (await readConvShapes(shapes)).flatMap((geometry) =>
          CONV_PRODUCTS.map((product) => convProduct(product, geometry, dtype)),
        );
  return [...new Map(products.map((product) => [product.key, product])).values()];
}

function networkProducts({ arch, size, batchSize, classes, dtype }: TuneOptions): Product[] {
  const convolutions = resnetConvShapes(ARCHITECTURES[arch], size, batchSize).flatMap(({ name, geometry }) =>
    CONV_PRODUCTS.filter((product) => name !== "conv1" || product !== "gradInput").map((product) =>
      convProduct(product, geometry, dtype),
    ),
  );
  const features = featuresOf(arch);
  const head = [
    { m: batchSize, n: classes, k: features, transposeB: true },
    { m: batchSize, n: features, k: classes },
    { m: classes, n: features, k: batchSize, transposeA: true },
  ].map((geometry) => matmulProduct(geometry, dtype));
  return [...convolutions, ...head];
}

/**
 * Measures every candidate of every product, results checked, and gives the fastest of each. A candidate whose result is wrong is left out, and
 * that is said; throws a CheckError where the one by rule is wrong.
 */
export async function tuneRows(
  device: Device,
  products: readonly Product[],
  measuring: MeasureOptions,
  progress: Progress,
): Promise<TunedRow[]> {
  const rows: TunedRow[] = [];
  for (const [i, product] of products.entries()) {
    progress.update(`product ${i + 1} of ${products.length}: ${product.key}`);
    rows.push(await tuneProduct(device, product, measuring, progress));
  }
  return rows;
}

async function tuneProduct(
  device: Device,
  product: Product,
  measuring: MeasureOptions,
  progress: Progress,
): Promise<TunedRow> {
  const [byRule, ...others] = product.candidates(device.limits);
  if (!byRule) throw new CheckError(`${product.key}: this device has no way to compute it`);
  const time = ({ plan }: Candidate, options: MeasureOptions): Promise<BenchRow> =>
    measureProduct(device, product, options, plan);
  const once = { ...measuring, warmUp: 0, repeats: 1 };
  const first = [{ candidate: byRule, ms: (await time(byRule, once)).median_ms }];
  for (const candidate of others) {
    try {
      first.push({ candidate, ms: (await time(candidate, once)).median_ms });
    } catch (error) {
      if (!(error instanceof CheckError)) throw error;
      progress.line(`fracture: ${candidate.variant} is left out: ${error.message}`);
    }
  }
  const fastest = Math.min(...first.map(({ ms }) => ms));
  const contenders = first.filter(({ candidate, ms }) => candidate !== byRule && ms <= HOPELESS * fastest);
  const rule = await time(byRule, measuring);
  let best = { candidate: byRule, row: rule };
  for (const { candidate } of contenders) {
    const row = await time(candidate, measuring);
    if (row.median_ms < best.row.median_ms) best = { candidate, row };
  }
  const wins = (row: BenchRow, over: BenchRow): boolean => row.median_ms < over.median_ms * (1 - LEAST_GAIN);
  if (best.candidate !== byRule) {
    const again = wins(best.row, rule) && wins(await time(best.candidate, measuring), await time(byRule, measuring));
    if (!again) best = { candidate: byRule, row: rule };
  }
  return {
    ...best.row,
    name: product.key,
    variant: best.candidate.variant,
    rule: byRule.variant,
    rule_ms: rule.median_ms,
    candidates: first.map(({ candidate, ms }) => ({ variant: candidate.variant, first_ms: ms })),
  };
}

export const choicesOf = (rows: readonly TunedRow[]): Choices =>
  Object.fromEntries(rows.map(({ name, variant }) => [name, variant]));

/**
 * Keeps choices in the user's cache, over those that were measured there before. Gives the file.
 *
 * @throws FileWriteError
 */
export async function keepChoices({ info }: Device, choices: Choices, { env }: Pick<Io, "env">): Promise<string> {
  const path = tunedPath(info, env);
  const before = await readTuned(path, info);
  const all = { ...(before && "choices" in before ? before.choices : {}), ...choices };
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFileAtomic(path, tunedContent(info, all, new Date()));
  return path;
}
