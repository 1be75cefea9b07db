import { resnet50ConvShapes, type ActivationType, type ConvShape } from "@fracture/kernels";
import type { Device } from "@fracture/tensor";
import type { Progress } from "../output/progress.ts";
import type { MeasureOptions } from "./measure.ts";
import { CONV_PRODUCTS, measureConv, type ConvProduct } from "./products.ts";
import type { BenchRow } from "./report.ts";
import { readConvShapes } from "./shapes.ts";

interface Totals {
  ms: number;
  minMs: number;
  flop: number;
  bytes: number;
}

export interface ConvShapes {
  readonly shapes: readonly ConvShape[];
  /** True where they are a network's, so that sums of them mean something. */
  readonly network: boolean;
  readonly batchSize: number;
}

/** The distinct convolutions of ResNet-50, or those of a file. */
export async function convShapes({
  size,
  batchSize,
  shapes: file,
}: {
  readonly size: number;
  readonly batchSize: number;
  readonly shapes?: string;
}): Promise<ConvShapes> {
  if (file === undefined) return { shapes: resnet50ConvShapes(size, batchSize), network: true, batchSize };
  const shapes = (await readConvShapes(file)).map((geometry, i) => ({ name: `${file} ${i}`, count: 1, geometry }));
  return { shapes, network: false, batchSize };
}

/**
 * The three products of every convolution, and for a network their sums weighted by how often each occurs. The gradient of
 * the network's input is left out, as in training.
 */
export async function convRows(
  device: Device,
  { shapes, network, batchSize }: ConvShapes,
  dtype: ActivationType,
  options: MeasureOptions,
  progress: Progress,
): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  const totals = new Map<ConvProduct, Totals>();
  for (const [i, { name, count, geometry }] of shapes.entries()) {
    for (const product of CONV_PRODUCTS) {
      if (network && name === "conv1" && product === "gradInput") continue;
      progress.update(`convolution ${i + 1} of ${shapes.length}: ${name}, ${product}`);
      const row = await measureConv(device, product, geometry, options, dtype);
      rows.push({ ...row, layer: name, ...(network ? { count } : {}), product });
      const total = totals.get(product) ?? { ms: 0, minMs: 0, flop: 0, bytes: 0 };
      total.ms += row.median_ms * count;
      total.minMs += row.min_ms * count;
      total.flop += Number(row["flop"]) * count;
      total.bytes += Number(row["bytes"]) * count;
      totals.set(product, total);
    }
  }
  return network ? [...rows, ...totalRows(totals, batchSize, options.repeats)] : rows;
}

function totalRows(totals: ReadonlyMap<ConvProduct, Totals>, images: number, repeats: number): BenchRow[] {
  const row = (product: string, { ms, minMs, flop, bytes }: Totals): BenchRow => ({
    name: `all convolutions, ${product}`,
    median_ms: ms,
    min_ms: minMs,
    repeats,
    images_per_s: (images / ms) * 1000,
    gflop_per_s: flop / ms / 1e6,
    gbyte_per_s: bytes / ms / 1e6,
    flop,
    bytes,
    product,
  });
  const all = [...totals.values()].reduce((sum, total) => ({
    ms: sum.ms + total.ms,
    minMs: sum.minMs + total.minMs,
    flop: sum.flop + total.flop,
    bytes: sum.bytes + total.bytes,
  }));
  return [...[...totals].map(([product, total]) => row(product, total)), row("training", all)];
}
