import type { RunEvent } from "@fracture/train";
import { warningsOf } from "./output/dataAudit.ts";
import { formatCount, formatDuration, formatNumber, plural, printable } from "./output/format.ts";
import type { LossCurve } from "./output/lossCurve.ts";
import type { Progress } from "./output/progress.ts";
import { Rate } from "./output/rate.ts";

type EventOf<Kind extends RunEvent["kind"]> = Extract<RunEvent, { readonly kind: Kind }>;

/** Names that are listed before "and 12 more". */
const MOST_LISTED = 5;

const SAID_ONCE: ReadonlySet<string> = new Set(["data", "audit", "unreadable", "model"] satisfies RunEvent["kind"][]);

/** Tells a person what a run does: lines that stay for what is done, the updated one for what is being done. */
export class RunProgress {
  readonly #progress: Progress;
  #rate: { readonly of: string; readonly rate: Rate } | null = null;
  #epochs = 0;
  #lastEpoch: number | null = null;
  #resumed = false;
  /** Of several seeds: what is the same for all was said of the first. */
  #seeds = 0;
  readonly #newCurve: () => LossCurve | null;
  #curve: LossCurve | null;

  /** @param curve of the losses, below the updated line; null: none */
  constructor(progress: Progress, curve: () => LossCurve | null = () => null) {
    this.#progress = progress;
    this.#newCurve = curve;
    this.#curve = curve();
  }

  readonly show = (event: RunEvent): void => {
    if (this.#seeds > 1 && SAID_ONCE.has(event.kind)) return;
    switch (event.kind) {
      case "seed":
        return this.#seed(event);
      case "data":
        return this.#data(event);
      case "check":
        return this.#count("checking for copies", "pictures", event);
      case "audit":
        return this.#audit(event);
      case "decode":
        return this.#count(`reading pictures of ${event.split}`, "pictures", event);
      case "unreadable":
        return this.#unreadable(event);
      case "model":
        return this.#model(event);
      case "resumed":
        this.#resumed = true;
        this.#epochs = event.epochs;
        return this.#progress.line(`resumed after ${plural(event.epochs, "epoch")}, step ${formatCount(event.steps)}`);
      case "stage":
        return this.#stage(event);
      case "features":
        return this.#count("features of the frozen layers", "pictures", event);
      case "step":
        return this.#step(event);
      case "epoch":
        return this.#epoch(event);
      case "stopped":
        return this.#progress.line(
          `no improvement any more: the stage ends after epoch ${event.epoch}${event.bestEpoch === null ? "" : `, with the weights of epoch ${event.bestEpoch}`}`,
        );
      case "sweep":
        return this.#progress.update(
          `step ${event.step}/${event.steps}  learning rate ${event.lr.toExponential(1)}  loss ${event.smoothed.toFixed(4)}`,
        );
      case "evaluate":
        return this.#count(`evaluating ${event.split}`, "pictures", event);
      case "places":
        return this.#count("measuring how far pictures lie", "pictures", event);
      case "metrics":
        return this.#seeds > 0 ? this.#figures(event) : this.#progress.clear();
    }
  };

  #seed({ seed, index, count, folder, finished }: EventOf<"seed">): void {
    this.#epochs = 0;
    this.#rate = null;
    this.#curve = this.#newCurve();
    if (!finished) this.#seeds += 1;
    this.#progress.line(
      `seed ${seed} (${index + 1} of ${count}): ${printable(folder)}${finished ? ", finished before" : ""}`,
    );
  }

  #data({ classes, counts, ignored, dividedBySeed }: EventOf<"data">): void {
    const splits = Object.entries(counts).flatMap(([name, count]) =>
      count === null ? [] : [`${name} ${formatCount(count)}`],
    );
    this.#progress.line(
      `pictures: ${splits.join(", ")}; ${classes.length > MOST_LISTED ? `${formatCount(classes.length)} ` : ""}classes: ${list(classes)}`,
    );
    if (dividedBySeed !== null)
      this.#progress.line(
        `  (divided by seed ${dividedBySeed}, copies of one film and a patient's pictures together: results/split.csv)`,
      );
    if (ignored.length > 0) this.#progress.line(`passed over, no pictures of a class: ${list(ignored)}`);
  }

  #audit({ audit }: EventOf<"audit">): void {
    const warnings = warningsOf(audit);
    for (const warning of warnings) this.#progress.line(`warning: ${warning}`);
    if (warnings.length > 0) this.#progress.line("  (fracture data check names the pictures)");
  }

  #unreadable({ split, files }: EventOf<"unreadable">): void {
    this.#progress.line(`set aside ${plural(files.length, "picture")} of ${split} that can't be read:`);
    for (const { path, reason } of files.slice(0, MOST_LISTED)) this.#progress.line(`  ${printable(path)}: ${reason}`);
    if (files.length > MOST_LISTED)
      this.#progress.line(`  and ${files.length - MOST_LISTED} more (a run lists all in results/unreadable.csv)`);
  }

  #model({ architecture, weights, newHead }: EventOf<"model">): void {
    if (weights === null)
      return this.#progress.line(`${architecture} from scratch (--weights ${architecture} begins with ImageNet's)`);
    const head = newHead
      ? `; its head for ${plural(newHead.classesInFile, "class", "classes")} gives way to a new one for ${newHead.classes}`
      : "";
    this.#progress.line(`${architecture} from ${weights}${head}`);
  }

  #stage({ stage, index, count }: EventOf<"stage">): void {
    const { name, epochs, lr, backboneLr, freeze } = stage;
    // In the middle of a resumed stage nobody says how many of its epochs are done.
    this.#lastEpoch = this.#resumed ? null : this.#epochs + epochs;
    this.#resumed = false;
    const rates =
      freeze === "all" || freeze === "layer4" || lr === backboneLr ? `${lr}` : `${lr}, backbone ${backboneLr}`;
    this.#progress.line(
      `stage ${index + 1} of ${count}, ${name}: up to ${plural(epochs, "epoch")}, learning rate ${rates}`,
    );
  }

  #step({ epoch, step, steps, loss, imagesPerSecond, secondsLeft }: EventOf<"step">): void {
    this.#curve?.addStep(loss);
    this.#progress.update(
      [
        this.#epochName(epoch),
        `step ${step}/${steps}`,
        `loss ${loss.toFixed(4)}`,
        `${formatNumber(imagesPerSecond)} images/s`,
        `${formatDuration(secondsLeft)} left`,
      ].join("  "),
      (columns) => this.#curve?.lines(columns) ?? [],
    );
  }

  #epoch({ row, improved }: EventOf<"epoch">): void {
    this.#epochs = row.epoch;
    if (row.valLoss !== null) this.#curve?.addValidation(row.valLoss);
    const figures = (split: string, loss: number | null, accuracy: number | null): string[] =>
      loss === null || accuracy === null ? [] : [`${split} loss ${loss.toFixed(4)} accuracy ${accuracy.toFixed(3)}`];
    const rate = row.imagesPerSecond === null ? [] : [`${formatNumber(row.imagesPerSecond)} images/s`];
    const time = row.seconds === null ? [] : [formatDuration(row.seconds)];
    this.#progress.line(
      [
        this.#epochName(row.epoch),
        ...figures("train", row.trainLoss, row.trainAccuracy),
        ...figures("val", row.valLoss, row.valAccuracy),
        ...rate,
        ...time,
        ...(row.skippedSteps ? [`${plural(row.skippedSteps, "step")} skipped, loss scale ${row.lossScale}`] : []),
        ...(improved ? ["best"] : []),
      ].join("  "),
    );
  }

  /** Of one run of several: its figures in a line. */
  #figures({ split, metrics }: EventOf<"metrics">): void {
    const auc = metrics.rocAuc === null ? "" : `  AUC ${metrics.rocAuc.toFixed(3)}`;
    this.#progress.line(`  ${split}: accuracy ${metrics.accuracy.toFixed(3)}${auc}`);
  }

  #epochName(epoch: number): string {
    if (this.#lastEpoch === null) return `epoch ${epoch}`;
    return `epoch ${String(epoch).padStart(String(this.#lastEpoch).length)}/${this.#lastEpoch}`;
  }

  #count(what: string, noun: string, { done, total }: { readonly done: number; readonly total: number }): void {
    if (this.#rate?.of !== what) this.#rate = { of: what, rate: new Rate(noun) };
    this.#progress.update(`${what}: ${this.#rate.rate.text(done, total)}`);
  }
}

function list(names: readonly string[]): string {
  // A comma in a name would make two of it.
  const quoted = names.some((name) => /[,;"]/.test(name));
  const each = names.slice(0, MOST_LISTED).map((name) => (quoted ? `"${printable(name)}"` : printable(name)));
  const shown = each.join(", ");
  return names.length > MOST_LISTED ? `${shown}, and ${names.length - MOST_LISTED} more` : shown;
}
