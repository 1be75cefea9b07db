import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { ActivationType } from "@fracture/kernels";
import type { Device } from "@fracture/tensor";
import { renderPng, rooflinePlot, writeFileAtomic, type Roofline } from "@fracture/train";
import { describeAdapter } from "../device.ts";
import type { Progress } from "../output/progress.ts";
import { highest, measureCeilings } from "./ceilings.ts";
import type { MeasureOptions } from "./measure.ts";
import { CONV_PRODUCTS } from "./products.ts";
import type { BenchRow } from "./report.ts";

/** A convolution that was measured, as `convRows` describes it. */
type ConvRow = BenchRow & { readonly layer: string; readonly product: string };

const isConvRow = (row: BenchRow): row is ConvRow =>
  typeof row["layer"] === "string" && typeof row["product"] === "string";

/**
 * Draws measured convolutions under the device's roof, which is measured now, into a folder, which is made where it is missing: `roofline-f32.svg` and
 * `roofline-f32.png`, or `-f16`. Gives the paths.
 *
 * @throws FileWriteError
 */
export async function writeRoofline(
  device: Device,
  rows: readonly BenchRow[],
  { folder, subtitle, dtype }: { readonly folder: string; readonly subtitle: string; readonly dtype: ActivationType },
  options: MeasureOptions,
  progress: Progress,
): Promise<string[]> {
  const all = rows.filter(isConvRow);
  const convolutions = CONV_PRODUCTS.flatMap((product) => all.filter((row) => row.product === product));
  const { flop, bytes } = await measureCeilings(device, { halves: dtype === "f16" }, options, progress);
  const reached = convolutions.map(({ name, gflop_per_s }) => ({ rate: gflop_per_s!, measured: name }));
  const roofline: Roofline = {
    title: `Convolutions on ${describeAdapter(device.info)}`,
    subtitle,
    flop: highest([flop[dtype] ?? flop.f32, ...reached]),
    bytes,
    points: convolutions.map((row) => ({
      // "layer1.0.conv2  3x3/1 [2,56,56,64] -> 64"
      layer: `${row.layer}  ${row.name.slice(row.name.indexOf(" ") + 1)}`,
      series: row.product,
      flop: Number(row["flop"]),
      bytes: Number(row["bytes"]),
      ms: row.median_ms,
    })),
  };
  const svg = rooflinePlot(roofline);
  await mkdir(folder, { recursive: true });
  const paths = ["svg", "png"].map((extension) => join(folder, `roofline-${dtype}.${extension}`));
  await writeFileAtomic(paths[0]!, svg);
  await writeFileAtomic(paths[1]!, renderPng(svg));
  return paths;
}
