import { CsvError, readCsv, type CsvCell } from "./csv.ts";

/** One line of `history.csv`: what an epoch did. `null` where it was not measured (no validation split, for example). */
export interface HistoryRow {
  /** Counted from 1 over the whole run, all stages together. */
  epoch: number;
  /** The stage's name. */
  stage: string;
  /** Mean cross-entropy over the training images (nats). */
  trainLoss: number | null;
  /** Share of the training images classified right during the epoch, 0 to 1. */
  trainAccuracy: number | null;
  /** Mean cross-entropy over the validation images (nats). */
  valLoss: number | null;
  /** Share of the validation images classified right, 0 to 1. */
  valAccuracy: number | null;
  /** Learning rate of the backbone; `null` where it is frozen. */
  lrBackbone: number | null;
  lrHead: number | null;
  /** Wall clock of the epoch, validation included. */
  seconds: number | null;
  /** Training images per second. */
  imagesPerSecond: number | null;
  /** In mixed precision, after the epoch. */
  lossScale?: number;
  /** In mixed precision: steps of the epoch whose gradients overflowed. */
  skippedSteps?: number;
}

export const HISTORY_COLUMNS = [
  "epoch",
  "stage",
  "train_loss",
  "train_accuracy",
  "val_loss",
  "val_accuracy",
  "lr_backbone",
  "lr_head",
  "seconds",
  "images_per_second",
] as const;

/** What mixed precision adds. */
export const HISTORY_SCALE_COLUMNS = ["loss_scale", "skipped_steps"] as const;

export type HistoryColumn = (typeof HISTORY_COLUMNS)[number] | (typeof HISTORY_SCALE_COLUMNS)[number];

export function historyCells(row: HistoryRow): Record<HistoryColumn, CsvCell> {
  return {
    epoch: row.epoch,
    stage: row.stage,
    train_loss: row.trainLoss,
    train_accuracy: row.trainAccuracy,
    val_loss: row.valLoss,
    val_accuracy: row.valAccuracy,
    lr_backbone: row.lrBackbone,
    lr_head: row.lrHead,
    seconds: row.seconds,
    images_per_second: row.imagesPerSecond,
    loss_scale: row.lossScale ?? null,
    skipped_steps: row.skippedSteps ?? null,
  };
}

/**
 * The epochs of a `history.csv`. A NaN that a run wrote before it stopped is read back as NaN.
 *
 * @throws CsvError where a column is missing or a cell is no number
 */
export function readHistory(path: string): HistoryRow[] {
  return readCsv(path, HISTORY_COLUMNS).map((record, index) => {
    const number = (column: (typeof HISTORY_COLUMNS)[number]): number | null => {
      const text = record[column];
      if (text === "") return null;
      const value = Number(text);
      if (Number.isNaN(value) && text !== "NaN") {
        throw new CsvError(path, `line ${index + 2}: ${column} is "${text}", which is no number`);
      }
      return value;
    };
    return {
      epoch: number("epoch") ?? index + 1,
      stage: record.stage,
      trainLoss: number("train_loss"),
      trainAccuracy: number("train_accuracy"),
      valLoss: number("val_loss"),
      valAccuracy: number("val_accuracy"),
      lrBackbone: number("lr_backbone"),
      lrHead: number("lr_head"),
      seconds: number("seconds"),
      imagesPerSecond: number("images_per_second"),
    };
  });
}
