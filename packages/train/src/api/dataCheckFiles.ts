import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Device } from "@fracture/tensor";
import { nameIn } from "../audit/auditedSet.ts";
import { writeDataPlots, writePicture } from "../audit/plots/writeDataPlots.ts";
import { manifestCsv } from "../audit/manifestCsv.ts";
import { augmentedSamples, spreadPlaces } from "../augmentSheet/augmentedSamples.ts";
import { augmentationSheet, augmentationTable } from "../augmentSheet/sheet.ts";
import { writeFileAtomic } from "../run/atomic.ts";
import { writeJson } from "../run/results.ts";
import type { PreparedRun } from "./types.ts";

/** What of a run is written. */
type CheckedRun = Pick<PreparedRun, "audit" | "divided" | "mode" | "base"> & {
  readonly config: {
    readonly recipe: Pick<PreparedRun["config"]["recipe"], "augmentation" | "seed">;
    readonly preprocessing: PreparedRun["config"]["preprocessing"];
  };
  readonly splits: Pick<PreparedRun["splits"], "train">;
};

/** Pictures and epochs on the sheet that a run leaves. */
const SHEET = { rows: 4, draws: 5 } as const;

/**
 * Leaves what the data check found in a run's `results/`: `data-check.json`, where the run divided the pictures itself `split.csv`, and in `data-check/` its plots and a contact sheet of augmented
 * samples. A resumed run has them already.
 *
 * @param device null: no contact sheet
 * @throws FileWriteError
 */
export async function writeDataCheck(
  { dataCheck, results }: { readonly dataCheck: string; readonly results: string },
  run: CheckedRun,
  device: Device | null,
): Promise<void> {
  await writeJson(dataCheck, run.audit);
  if (run.divided) {
    const { files, classes, columns } = run.divided;
    const rows = files.map(({ label, ...file }) => ({ ...file, class: classes[label]! }));
    await writeFileAtomic(join(results, "split.csv"), manifestCsv(results, rows, columns));
  }
  const folder = join(results, "data-check");
  if (run.mode === "resume" && existsSync(join(folder, "class_balance.png"))) return;
  await writeDataPlots(folder, run.audit);
  const { train } = run.splits;
  const { recipe, preprocessing } = run.config;
  const { augmentation, seed } = recipe;
  if (augmentation === null || device === null) return;
  const places = spreadPlaces(train.labels, SHEET.rows);
  const { data, size, channels } = train.pictures;
  const bytes = size * size * channels;
  const chosen = Buffer.concat(places.map((place) => data.subarray(place * bytes, (place + 1) * bytes)));
  const paths = places.map((place) => train.paths[place]!);
  const samples = await augmentedSamples(
    device,
    { paths, places, pictures: { data: chosen, size, channels } },
    { preprocessing, augmentation, seed, draws: SHEET.draws },
  );
  const name = (path: string): string => nameIn(run.base, path);
  await writePicture(folder, "contact-sheet", await augmentationSheet(samples, { size, seed, name }));
  await writeFileAtomic(join(folder, "contact-sheet.csv"), augmentationTable(samples, name));
}
