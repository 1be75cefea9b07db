import type { AdapterChoice } from "@fracture/tensor";
import type { CamLayer, PointingResult, Share } from "@fracture/train";
import { DeviceOnDemand } from "../device.ts";
import type { Io } from "../io.ts";
import { formatInterval, plural } from "../output/format.ts";
import { Progress } from "../output/progress.ts";
import { formatTable } from "../output/table.ts";

export interface PointingFlags {
  readonly split: "train" | "val" | "test";
  readonly layer?: CamLayer;
  readonly tolerance?: number;
  readonly batchSize: number;
  readonly adapter: AdapterChoice;
  readonly json: boolean;
}

/** `fracture bench explain` */
export async function benchPointing(
  io: Io,
  model: string,
  data: string,
  { adapter, json, ...options }: PointingFlags,
): Promise<void> {
  const { measurePointing } = await import("@fracture/train");
  using progress = new Progress(io.stderr);
  using device = new DeviceOnDemand(io, adapter, progress);
  const onProgress = (done: number, total: number): void =>
    progress.update(`${done} of ${plural(total, "picture")} explained`);
  const context = { openDevice: device.open, signal: io.signal, onProgress };
  const result = await measurePointing({ model, data, ...options }, context);
  progress.clear();
  io.stdout.write(
    json ? `${JSON.stringify({ model, data, split: options.split, ...result }, null, 2)}\n` : formatPointing(result),
  );
}

function formatPointing(result: PointingResult): string {
  const { pictures, cells, layer, tolerance, empty, chance, toldRight, centre, offCentre, ceiling } = result;
  const rows: [string, Share | number][] = [
    ["largest value of the map", result],
    [`the same, of ${plural(toldRight.pictures, "picture")} told right`, toldRight],
    [`the same, of ${plural(offCentre.pictures, "picture")} whose middle is no hit`, offCentre],
    ["the middle of the picture", centre],
    ["a point anywhere", chance],
    [`the best that ${cells.width} x ${cells.height} cells can do`, ceiling],
  ];
  const figures = formatTable(rows, [
    { title: "what points", cell: ([name]) => name },
    {
      title: "hits",
      cell: ([, value]) => {
        const score = typeof value === "number" ? value : value.score;
        return score === null ? "" : score.toFixed(3);
      },
      align: "right",
    },
    {
      title: "95% interval",
      cell: ([, value]) => (typeof value === "number" ? "" : formatInterval(value.interval)),
    },
  ]);
  const none = empty > 0 ? ` In ${empty} the map is empty, which is a miss.` : "";
  return (
    `Pointing game on ${plural(pictures, "picture")}: Grad-CAM of ${layer}, ${cells.width} x ${cells.height} cells, ` +
    `${tolerance.toFixed(1)} pixels around the true place count.${none}\n\n${figures}`
  );
}
