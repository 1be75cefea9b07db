import { Option, type Command } from "commander";
import { ARCHITECTURES } from "@fracture/resnet";
import type { ActivationType } from "@fracture/kernels";
import type { AdapterChoice, Device } from "@fracture/tensor";
import { adapterOption, withDevice } from "../device.ts";
import type { Io } from "../io.ts";
import { integer, integers, layerOption, path, positive, precisionOption } from "../options.ts";
import { Progress } from "../output/progress.ts";
import type { MeasureOptions } from "../bench/measure.ts";
import type { LoopOptions } from "../bench/loop.ts";
import type { PointingFlags } from "../bench/pointing.ts";
import type { NetworkOptions } from "../bench/network.ts";
import type { BenchRow } from "../bench/report.ts";
import type { TuneOptions } from "../bench/tune.ts";

interface BenchOptions {
  readonly adapter: AdapterChoice;
  readonly repeat: number;
  readonly warmUp: number;
  readonly json: boolean;
  /** Of `step` and `infer`. */
  readonly each?: boolean;
}

interface ConvOptions {
  readonly size: number;
  readonly batchSize: number;
  readonly shapes?: string;
  readonly plot?: string;
  readonly dtype: ActivationType;
}

const ARCHITECTURE_NAMES = Object.keys(ARCHITECTURES);

/** What a file of shapes looks like: `bench/shapes.ts` reads it, which help needs not wait for. */
const MATMUL_SHAPES_EXAMPLE = '[{"m": 1024, "n": 1024, "k": 1024, "transposeA": false, "transposeB": false}, ...]';
const CONV_SHAPES_EXAMPLE =
  '[{"n": 8, "h": 56, "w": 56, "c": 64, "k": 64, "r": 3, "s": 3, "stride": 1, "padding": 1}, ...]';

/** `fracture bench gemm|conv|step|infer|data|tune|explain` */
export function benchCommand(program: Command, io: Io): void {
  const bench = program
    .command("bench")
    .description("measure kernels and whole networks on this device, results checked")
    .helpCommand(false);

  const add = (name: string, description: string): Command =>
    bench
      .command(name)
      .description(description)
      .addOption(adapterOption())
      .option("--repeat <n>", "runs that are timed: their median counts", integer(1), 5)
      .option("--warm-up <n>", "runs before those", integer(0), 2)
      .option("--json", "print the results as JSON", false);

  add("gemm", "matrix products of several sizes and transpositions")
    .option("--sizes <list>", "square products to measure", integers(1), [256, 512, 1024, 2048])
    .option("--shapes <file>", `products to measure instead, a JSON file: ${MATMUL_SHAPES_EXAMPLE}`)
    .addOption(dtype())
    .action(async (options: BenchOptions & { sizes: number[]; shapes?: string; dtype: ActivationType }) => {
      const { gemmRows, gemmShapes } = await import("../bench/gemm.ts");
      const shapes = await gemmShapes(options);
      await measured(io, options, (device, measure, progress) =>
        gemmRows(device, shapes, options.dtype, measure, progress),
      );
    });

  add("conv", "the distinct convolutions of ResNet-50: forward, gradient of the input, gradient of the weight")
    .option("--size <pixels>", "height and width of the images", integer(1), 224)
    .option("--batch-size <n>", "images in a batch", integer(1), 2)
    .option("--shapes <file>", `convolutions to measure instead, a JSON file: ${CONV_SHAPES_EXAMPLE}`)
    .option(
      "--plot <folder>",
      "draw them under this device's roofline: roofline-f32.svg and roofline-f32.png, or -f16",
      path,
    )
    .addOption(dtype())
    .action(async (options: BenchOptions & ConvOptions) => {
      const { convRows, convShapes } = await import("../bench/conv.ts");
      const { plot: folder, dtype } = options;
      const shapes = await convShapes(options);
      await measured(io, options, async (device, measure, progress) => {
        const rows = await convRows(device, shapes, dtype, measure, progress);
        if (folder === undefined) return rows;
        const { writeRoofline } = await import("../bench/roofline.ts");
        const { size, batchSize } = options;
        const subtitle = shapes.network ? `ResNet-50, ${dtype}, ${size} x ${size}, batch ${batchSize}` : dtype;
        const paths = await writeRoofline(device, rows, { folder, subtitle, dtype }, measure, progress);
        progress.clear();
        io.stderr.write(`fracture: wrote ${paths.join(" and ")}\n`);
        return rows;
      });
    });

  const network = (name: string, description: string): Command =>
    add(name, description)
      .addOption(architecture())
      .option("--size <pixels>", "height and width of the images", integer(1), 64)
      .option("--batch-size <n>", "images in a batch", integer(1), 8)
      .option("--classes <n>", "size of the head", integer(2), 1000)
      .addOption(precisionOption())
      .option("--explain", "time every dispatch, and compare it with what this device was seen to reach", false)
      .option("--each", "list every dispatch of the explanation, not only their kinds", false);

  network("step", "a training step: forward, loss, backward and Adam").action(
    (options: BenchOptions & NetworkOptions) =>
      measured(io, options, async (device, measure, progress) => {
        const { stepRow } = await import("../bench/network.ts");
        return [await stepRow(device, options, measure, progress)];
      }),
  );

  network("infer", "a forward pass in inference mode").action((options: BenchOptions & NetworkOptions) =>
    measured(io, options, async (device, measure, progress) => {
      const { inferRow } = await import("../bench/network.ts");
      return [await inferRow(device, options, measure, progress)];
    }),
  );

  add("data", "what training reads, stage by stage, and how much of the bare step's speed the whole loop keeps")
    .option("--data <folder>", "pictures to measure with, as train takes them (default: phantoms, drawn for it)", path)
    .addOption(architecture())
    .option("--size <pixels>", "height and width of what the network sees", integer(16), 64)
    .option("--batch-size <n>", "pictures in a batch", integer(2), 8)
    .option("--steps <n>", "batches of pictures to measure with: the steps of an epoch", integer(1), 16)
    .action(async (options: BenchOptions & LoopOptions & { data?: string }) => {
      const { dataRows, dataSource } = await import("../bench/data.ts");
      const source = await dataSource(options);
      await measured(io, options, (device, measure, progress) => dataRows(device, source, options, measure, progress));
    });

  add("tune", "which way to compute each product of a network is the fastest here; later commands take that one")
    .addOption(architecture())
    .option("--size <pixels>", "height and width of the images", integer(1), 64)
    .option("--batch-size <n>", "images in a batch", integer(1), 8)
    .option("--classes <n>", "size of the head", integer(2), 2)
    .addOption(dtype())
    .option("--shapes <file>", `convolutions to measure instead, a JSON file: ${CONV_SHAPES_EXAMPLE}`)
    .option("--dry-run", "keep nothing", false)
    .action(async (options: BenchOptions & TuneOptions & { dryRun: boolean }) => {
      const { choicesOf, keepChoices, productsOf, tuneRows } = await import("../bench/tune.ts");
      const products = await productsOf(options);
      const tune = async (device: Device, measure: MeasureOptions, progress: Progress): Promise<BenchRow[]> => {
        const rows = await tuneRows(device, products, measure, progress);
        if (!options.dryRun) progress.line(`fracture: kept in ${await keepChoices(device, choicesOf(rows), io)}`);
        return rows;
      };
      await measured(io, options, tune, { byRule: true });
    });

  bench
    .command("explain")
    .description("how often a model's heat maps point at what is known to be there, beside chance: the pointing game")
    .argument("<model>", "a run folder, or a .safetensors")
    .argument("<set>", "a phantom set, or a .csv of boxes: path,class,left,top,width,height, and perhaps split")
    .addOption(new Option("--split <name>", "which pictures").choices(["train", "val", "test"]).default("test"))
    .addOption(layerOption())
    .option(
      "--tolerance <pixels>",
      "how far from the box still counts (default: 15 of 224 of the side that the network saw, as published)",
      positive({ zero: true }),
    )
    .option("--batch-size <n>", "pictures at once", integer(1), 8)
    .addOption(adapterOption())
    .option("--json", "print the figures as JSON, and what each picture's map points at", false)
    .action(async (model: string, set: string, flags: PointingFlags) => {
      const { benchPointing } = await import("../bench/pointing.ts");
      await benchPointing(io, model, set, flags);
    });
}

const dtype = (): Option =>
  new Option("--dtype <type>", "of the operands; sums are f32 either way").choices(["f32", "f16"]).default("f32");

const architecture = (): Option =>
  new Option("--arch <name>", "the network").choices(ARCHITECTURE_NAMES).default("resnet50");

/** Opens the device, measures, prints. */
async function measured(
  io: Io,
  { adapter, repeat, warmUp, json, each = false }: BenchOptions,
  body: (device: Device, measure: MeasureOptions, progress: Progress) => Promise<BenchRow[]>,
  { byRule = false }: { readonly byRule?: boolean } = {},
): Promise<void> {
  const { printRows } = await import("../bench/report.ts");
  const work = async (device: Device): Promise<void> => {
    using progress = new Progress(io.stderr);
    const rows = await body(device, { repeats: repeat, warmUp, signal: io.signal }, progress);
    progress.clear();
    printRows(io, device, rows, { json, each });
  };
  await withDevice(io, adapter, work, { byRule });
}
