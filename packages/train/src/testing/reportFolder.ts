import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { fitDecision } from "../evaluate/decision.ts";
import { outcomeOf, writeMetrics, type SplitOutcome } from "../evaluate/report.ts";
import type { ReportAudit } from "../report/schema.ts";
import { parseRecipe } from "../recipe/recipe.ts";
import { stagesOf } from "../recipe/stages.ts";
import { csvLine } from "../run/csv.ts";
import { HISTORY_COLUMNS } from "../run/history.ts";
import { writeJson, writePredictions } from "../run/results.ts";
import { RUN_FORMAT } from "../run/runFolder.ts";
import { formulaPicture } from "./pictures.ts";

export interface ReportFolderOptions {
  readonly classes: readonly string[];
  /** Images of each class in test and in val. Default: 30. */
  readonly images?: number;
  /** How many of the test images are copies of training images. Default: 0. */
  readonly copies?: number;
  /** What a picture's file is called, by its number. Default: "0.png". */
  readonly fileName?: (index: number) => string;
  /** The name of the only stage. */
  readonly stage?: string;
  /** Choose a threshold by Youden's index. Default: false. */
  readonly threshold?: boolean;
}

/** Logits that are right four times out of five, by a formula. */
function outcome(
  split: "val" | "test",
  root: string,
  { classes, images = 30, fileName = (i) => `${i}.png`, threshold = false }: ReportFolderOptions,
  decision: SplitOutcome["decision"],
): SplitOutcome {
  const labels = Array.from({ length: images * classes.length }, (_, i) => i % classes.length);
  const logits = Float32Array.from(
    labels.flatMap((label, i) => {
      const guess = i % 5 === 0 ? (label + 1) % classes.length : label;
      return classes.map((_, c) => (c === guess ? 2 * Math.abs(Math.sin(i + 1)) : 0));
    }),
  );
  const paths = labels.map((label, i) => join(root, split, `class-${label}`, fileName(i)));
  // Four and four are of one film, or nearly.
  const groups = labels.map((_, i) => `film ${i % Math.ceil(labels.length / 4)}`);
  const chosen =
    decision ?? (split === "val" ? fitDecision(logits, labels, classes, threshold ? { kind: "youden" } : null) : null);
  return outcomeOf({ split, classes, paths, labels, logits, groups, decision: chosen });
}

/** An audit of such a set: its first test images are copies of training images, all but one of them pixel for pixel. */
function auditOf(root: string, test: SplitOutcome, copies: number): ReportAudit {
  const { classes, paths } = test;
  const pictures = paths.length;
  const name = (path: string): string => path.slice(root.length + 1).replaceAll("\\", "/");
  const pairs = paths.slice(0, copies).map((path, i) => ({
    a: name(path),
    b: `train/class-0/${i}.png`,
    kind: i === 0 ? ("near" as const) : ("pixels" as const),
    similarity: i === 0 ? 0.98 : 1,
    how: i === 0 ? "turned by 90 degrees" : "",
  }));
  const quartiles: [number, number, number, number, number] = [200, 220, 224, 230, 256];
  return {
    root,
    classes: [...classes],
    pictures: 3 * pictures,
    leaks: [
      { split: "test", of: "train", pictures, copies, exact: Math.max(0, copies - 1), pairs },
      { split: "val", of: "train", pictures, copies: 0, exact: 0, pairs: [] },
    ],
    contradictions: [
      {
        ...(pairs[0] ?? { a: "a", b: "b", kind: "near", similarity: 1, how: "" }),
        classA: classes[0]!,
        classB: classes[1]!,
      },
    ],
    patients: null,
    shortcuts: [
      { from: "file size", class: classes[0]!, auc: 0.72, interval: [0.66, 0.78], larger: true, suspicious: true },
      { from: "width", class: classes[0]!, auc: null, interval: null, larger: null, suspicious: false },
    ],
    unreadable: [{ path: name(paths[0]!), reason: "is an HTML page" }],
    odd: [{ path: name(paths[0]!), what: "is tiny" }],
    ignored: ["notes.txt"],
    summary: (["train", "val", "test"] as const).flatMap((split) =>
      classes.map((of) => ({
        split,
        class: of,
        pictures: pictures / classes.length,
        share: 1 / classes.length,
        width: quartiles,
        height: quartiles,
        aspect: quartiles,
        fileBytes: quartiles,
        brightness: quartiles,
        contrast: quartiles,
      })),
    ),
  };
}

/** Writes a run folder as a finished run leaves it, but for its weights and its drawn plots, and the pictures of its test split; gives the data folder. */
export async function writeReportFolder(folder: string, options: ReportFolderOptions): Promise<{ data: string }> {
  const { classes, copies = 0, stage = "head" } = options;
  const data = `${folder}-data`;
  const recipe = parseRecipe({
    weights: "/weights/resnet50.pth",
    stages: [{ name: stage, freeze: "all", epochs: 4, lr: 1e-3 }],
    seed: 7,
  });
  const results = join(folder, "results");
  await writeJson(join(folder, "config.json"), {
    format: RUN_FORMAT,
    fracture: "0.1.0",
    data,
    allowUnreadable: false,
    recipe,
    architecture: "resnet50",
    classes,
    preprocessing: { resize: 224, crop: 224, channels: "grey", interpolation: "bilinear" },
    stages: stagesOf(recipe),
    weightsSha256: "0".repeat(64),
    dataSha256: "1".repeat(64),
  });
  const epochs = [1, 2, 3, 4].map((epoch) =>
    csvLine([epoch, stage, 1 / epoch, 0.6, 1.2 / epoch, 0.55, null, 1e-3, 60, 20]),
  );
  writeFileSync(join(folder, "history.csv"), csvLine(HISTORY_COLUMNS) + epochs.join(""));
  const val = outcome("val", data, options, null);
  const test = outcome("test", data, options, val.decision);
  for (const [part, where] of [
    [test, results],
    [val, join(results, "val")],
  ] as const)
    await writePredictions(join(where, "predictions.csv"), part);
  const kept = test.paths.map((_, i) => i).slice(copies);
  const clean = outcomeOf({
    ...test,
    paths: kept.map((i) => test.paths[i]!),
    labels: kept.map((i) => test.labels[i]!),
    logits: test.logits.slice(copies * classes.length),
    groups: kept.map((i) => test.groups![i]!),
  });
  await writeMetrics(join(results, "metrics.json"), [test, val], {
    epochs: 4,
    bestEpoch: 3,
    unreadable: { train: 1, val: 0, test: 0 },
    ...(copies > 0 ? { withoutCopies: { test: { copies, metrics: clean.metrics } } } : {}),
  });
  await writeJson(join(results, "data-check.json"), auditOf(data, test, copies));
  for (const [i, path] of test.paths.entries()) {
    mkdirSync(join(path, ".."), { recursive: true });
    const raw = { width: 32, height: 32, channels: 1 } as const;
    writeFileSync(
      path,
      await sharp(formulaPicture(32, test.labels[i]! % 2, i), { raw })
        .png()
        .toBuffer(),
    );
  }
  return { data };
}
