import type { RunLog } from "../loop/options.ts";
import type { HistoryRow } from "../run/history.ts";
import type { RunFolder, StepRow } from "../run/runFolder.ts";
import type { EventWriter } from "../run/tensorboard.ts";

/** Writes every step and epoch to the run folder's CSV files and to TensorBoard. */
export class RunFolderLog implements RunLog {
  readonly #folder: RunFolder;
  readonly #events: EventWriter;
  #steps = 0;

  constructor(folder: RunFolder, events: EventWriter) {
    this.#folder = folder;
    this.#events = events;
  }

  appendStep(row: StepRow): void {
    this.#folder.appendStep(row);
    const scale = row.lossScale === undefined ? {} : { "train/loss_scale": row.lossScale };
    this.#events.scalars(row.step, { "train/loss": row.loss, "train/lr": row.lr, ...scale });
    this.#steps = row.step;
  }

  appendEpoch(row: HistoryRow): void {
    this.#folder.appendEpoch(row);
    const { trainLoss, trainAccuracy, valLoss, valAccuracy, imagesPerSecond } = row;
    const values = {
      "epoch/train_loss": trainLoss,
      "epoch/train_accuracy": trainAccuracy,
      "epoch/val_loss": valLoss,
      "epoch/val_accuracy": valAccuracy,
      "epoch/images_per_second": imagesPerSecond,
    };
    const measured = Object.entries(values).filter((entry): entry is [string, number] => entry[1] !== null);
    this.#events.scalars(this.#steps, Object.fromEntries(measured));
  }

  /** Everything so far is on the disk. */
  sync(): void {
    this.#folder.sync();
    this.#events.sync();
  }
}
