import type { CopyPair, DataAudit, Leak, Quartiles, WithoutCopies } from "@fracture/train";
import { formatBytes, formatCount, formatInterval, formatNumber, plural, printable } from "./format.ts";
import { formatTable } from "./table.ts";

export interface AuditTextOptions {
  /** Names listed of a kind before "and 12 more". */
  readonly most: number;
}

/** A look at a data set for people: what spoils its figures first, then the rest. */
export function formatAudit(audit: DataAudit, { most }: AuditTextOptions): string {
  const { leaks, contradictions, patients, unreadable, odd, conversions, ignored, groups } = audit;
  const listed = (lines: readonly string[], all: string): string =>
    [
      ...lines.slice(0, most).map((line) => `  ${printable(line)}\n`),
      ...(lines.length > most ? [`  and ${formatCount(lines.length - most)} more: ${all}\n`] : []),
    ].join("");
  const section = (title: string, lines: readonly string[]): string[] =>
    lines.length === 0 ? [] : [`${title}\n${listed(lines, "--pairs, or --json for all")}`];

  const parts = [
    headline(audit),
    ...leaks
      .filter(({ copies }) => copies > 0)
      .flatMap((leak) => section(`${leakLine(leak)}:`, leak.pairs.map(pairLine))),
    ...section(
      `${plural(contradictions.length, "pair")} of copies with different labels:`,
      contradictions.map((pair) => `${pairLine(pair)}: ${pair.classA}, ${pair.classB}`),
    ),
    ...section(
      `${plural(patients?.split.length ?? 0, "patient")} with pictures in more than one split:`,
      (patients?.split ?? []).map(
        ({ patient, pictures }) =>
          `${patient}: ${Object.entries(pictures)
            .filter(([, count]) => count > 0)
            .map(([split, count]) => `${split} ${formatCount(count)}`)
            .join(", ")}`,
      ),
    ),
    ...(patients && patients.unknown > 0
      ? [`Of ${plural(patients.unknown, "picture")} nobody says whose they are.\n`]
      : []),
    ...section(
      `${plural(unreadable.length, "picture")} that can't be read:`,
      unreadable.map(({ path, reason }) => `${path}: ${reason}`),
    ),
    ...section(
      `${plural(odd.length, "odd picture")}:`,
      odd.map(({ path, what }) => `${path}: ${what}`),
    ),
    ...section(
      "What the loader did to pictures:",
      conversions.map(({ what, pictures, example }) => `${plural(pictures, "picture")}: ${what} (${example})`),
    ),
    ...section(`${plural(ignored.length, "file")} passed over, no pictures of a class:`, ignored),
    `${groups.length === 0 ? "No two pictures show the same film" : copiesLine(groups)}; a film that was cropped or shifted may not be found.\n`,
    summaryTable(audit),
    shortcutTable(audit),
  ];
  return parts.join("\n");
}

/** What a person must know. */
function headline(audit: DataAudit): string {
  const { root, pictures, leaks } = audit;
  const lines = warningsOf(audit);
  if (leaks.length > 0 && leaks.every(({ copies }) => copies === 0))
    lines.unshift("No picture has a copy in another split.");
  return `${printable(root)}: ${plural(pictures, "picture")}\n${lines.map((line) => `${line}\n`).join("")}`;
}

/** What spoils a data set's figures, a sentence each. */
export function warningsOf({ leaks, contradictions, patients, shortcuts }: DataAudit): string[] {
  const copied = leaks.filter(({ copies }) => copies > 0);
  const told = shortcuts.filter(({ suspicious }) => suspicious);
  return [
    ...copied.map((leak) => `${leakLine(leak)}. ${LEAK_ADVICE[leak.split]}`),
    ...(contradictions.length > 0
      ? [
          `${plural(contradictions.length, "pair")} of copies ${contradictions.length === 1 ? "has" : "have"} different labels: one of each is wrong.`,
        ]
      : []),
    ...(patients && patients.split.length > 0
      ? [
          `${plural(patients.split.length, "patient")} ${patients.split.length === 1 ? "has" : "have"} pictures in more than one split.`,
        ]
      : []),
    ...told.map(
      ({ from, class: name, auc }) =>
        `"${printable(name)}" can be told from the ${from} alone, AUC ${auc!.toFixed(3)}: a network may learn that instead.`,
    ),
  ];
}

const LEAK_ADVICE = {
  train: "",
  val: "What is chosen by validation will favour what was learnt by heart.",
  test: "Test figures will tell what was learnt by heart, not what was learnt.",
} as const;

/** "117 of 120 test images are copies of train images (117 with the same pixels)" */
export function leakLine({ split, of, pictures, copies, exact }: Leak): string {
  const names = `${formatCount(copies)} of ${formatCount(pictures)} ${split} images ${copies === 1 ? "is a copy" : "are copies"} of ${of} images`;
  return exact === 0 ? names : `${names} (${formatCount(exact)} with the same pixels)`;
}

function pairLine({ a, b, kind, similarity, how }: CopyPair): string {
  const same = { file: "the same file", pixels: "the same pixels", near: `the same film (${similarity.toFixed(3)})` };
  return `${a}  =  ${b}  ${same[kind]}${how === "" ? "" : `, ${how}`}`;
}

function copiesLine(groups: readonly (readonly string[])[]): string {
  const members = groups.reduce((sum, group) => sum + group.length, 0);
  return `${plural(members, "picture")} have copies: ${plural(groups.length, "film")}, up to ${formatCount(Math.max(...groups.map(({ length }) => length)))} pictures of one`;
}

function summaryTable({ summary }: DataAudit): string {
  const middle = ([, lower, median, upper]: Quartiles): string =>
    `${formatNumber(median)} (${formatNumber(lower)} to ${formatNumber(upper)})`;
  return formatTable(summary, [
    { title: "split", cell: ({ split }) => split ?? "all" },
    { title: "class", cell: (row) => row.class },
    { title: "pictures", cell: ({ pictures }) => formatCount(pictures), align: "right" },
    { title: "share", cell: ({ share }) => share.toFixed(3), align: "right" },
    { title: "width", cell: ({ width }) => range(width), align: "right" },
    { title: "height", cell: ({ height }) => range(height), align: "right" },
    { title: "file size", cell: ({ fileBytes }) => formatBytes(Math.round(fileBytes[2])), align: "right" },
    { title: "brightness", cell: ({ brightness }) => middle(brightness), align: "right" },
    { title: "contrast", cell: ({ contrast }) => middle(contrast), align: "right" },
  ]);
}

const range = ([least, , , , most]: Quartiles): string =>
  least === most ? formatCount(least) : `${formatCount(least)} to ${formatCount(most)}`;

function shortcutTable({ shortcuts }: DataAudit): string {
  const telling = shortcuts.filter(({ auc }) => auc !== null);
  const same = shortcuts.filter(({ auc }) => auc === null).map(({ from }) => from);
  const table = formatTable(telling, [
    { title: "the class told from", cell: ({ from }) => from },
    { title: "AUC", cell: ({ auc }) => auc!.toFixed(3), align: "right" },
    { title: "95% interval", cell: ({ interval }) => formatInterval(interval) },
    {
      title: "",
      cell: ({ class: name, larger }) => `${larger === null ? "" : larger ? "larger in " : "smaller in "}${name}`,
    },
  ]);
  return `${table}0.5 is chance.${same.length > 0 ? ` The same in all pictures: ${same.join(", ")}.` : ""}\n`;
}

/** A split's figures without copies of training images, for people; empty where there are none. */
export function formatWithoutCopies(split: string, samples: number, found: WithoutCopies | null): string {
  if (!found) return "";
  const { copies, metrics } = found;
  const left = `\n${formatCount(copies)} of ${formatCount(samples)} ${split} images ${copies === 1 ? "is a copy" : "are copies"} of train images.`;
  if (!metrics) return `${left} None is left to measure by: these figures say nothing.\n`;
  const { accuracy, rocAuc, intervals } = metrics;
  const [low, high] = intervals.accuracy;
  const auc = rocAuc === null ? "" : `, AUC ${rocAuc.toFixed(3)}`;
  return `${left}\nWithout them: accuracy ${accuracy.toFixed(3)} (95% interval ${low.toFixed(3)} to ${high.toFixed(3)})${auc}, of ${plural(metrics.samples, "picture")}.\n`;
}
