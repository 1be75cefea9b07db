import type { Interval } from "../evaluate/wilson.ts";
import { architectureName, counts } from "./facts.ts";
import { count, fixed, list, plural, quoted, range } from "./format.ts";
import type { EvaluatedPart, Report } from "./report.ts";
import type { ReportAudit } from "./schema.ts";

/** Something about the data or the figures that a reader must know before believing them, in plain text. */
export interface Finding {
  /** "warning": the figures may not mean what they seem to. */
  readonly level: "warning" | "note";
  readonly text: string;
}

type Leak = ReportAudit["leaks"][number];

/** What a split's copies of another's pictures are, in a sentence. Only equal pixels are certain. */
export function leakSentence({ split, of, pictures, copies, exact }: Leak): string {
  const near = copies - exact;
  const training = of === "train" ? "training images" : `images of ${of}`;
  const are = (n: number): string => (n === 1 ? "is a copy" : "are copies");
  const how = "as far as a program can tell: turned, mirrored, resized, recompressed or brightened";
  const shows = (n: number): string => (n === 1 ? "shows" : "show");
  if (exact === 0)
    return `${count(copies)} of ${count(pictures)} ${split} images ${shows(copies)} a film that is among the ${training}, ${how}.`;
  const more = near === 0 ? "" : ` ${count(near)} more ${shows(near)} a film that is there, ${how}.`;
  return `${count(exact)} of ${count(pictures)} ${split} images ${are(exact)} of ${training}, pixel for pixel.${more}`;
}

/** Of fewer copies figures hardly change, and a line says so. */
const GRAVE = 0.02;

/** So many copies of training images in the split that the figures are of that they speak of them first; null where there are few, none, or nobody looked. */
export const graveLeak = ({ audit, main }: Report): Leak | null =>
  audit?.leaks.find(
    ({ split, of, copies, pictures }) => split === main?.split && of === "train" && copies > GRAVE * pictures,
  ) ?? null;

/** Images from which on an interval is narrow enough for most questions. */
const FEW = 100;

/** Everything that limits what the figures mean and that the run itself can know, the gravest first. */
export function findingsOf(report: Report): Finding[] {
  const { audit, main, val, kind } = report;
  const warning = (text: string): Finding => ({ level: "warning", text });
  const note = (text: string): Finding => ({ level: "note", text });
  const found: Finding[] = [];
  const grave = graveLeak(report);
  for (const leak of audit?.leaks ?? [])
    if (leak.copies > 0) {
      const clean =
        leak !== grave && leak.split === main?.split && leak.of === "train" ? main.withoutCopies?.metrics : null;
      const without = clean
        ? ` Without: accuracy ${fixed(clean.accuracy)} (95% interval ${range(clean.intervals.accuracy)}).`
        : "";
      found.push(warning(leakSentence(leak) + without));
    }
  if (!audit)
    found.push(
      warning(
        kind === "run"
          ? "No data check was kept with this run, so it is not known whether test images are copies of training images. “fracture data check” looks."
          : "Whether evaluated images are copies of what the model was trained on is said in the report of its run, if at all.",
      ),
    );
  found.push(...(audit ? auditFindings(audit) : []));
  if (main && val && apart(main.metrics.intervals.accuracy, val.metrics.intervals.accuracy))
    found.push(
      warning(
        `The ${val.split} split tells otherwise: accuracy ${fixed(val.metrics.accuracy)} (95% interval ${range(val.metrics.intervals.accuracy)}) against ${fixed(main.metrics.accuracy)} (${range(main.metrics.intervals.accuracy)}) on ${main.split}. The two splits are not alike, so neither may be like new patients.`,
      ),
    );
  if (main) found.push(...sizeFindings(main));
  if (main && !report.audit?.patients)
    found.push(
      note(
        "Nothing says whose images they are (--patient-pattern, or a CSV with a column “patient”): images of one patient may lie in two splits, and intervals may be too narrow.",
      ),
    );
  for (const [split, n] of Object.entries(report.unreadable))
    if (n > 0)
      found.push(
        note(`${plural(n, "image")} of ${split} could not be read and ${n === 1 ? "was" : "were"} set aside.`),
      );
  return found;
}

function auditFindings(audit: ReportAudit): Finding[] {
  const found: Finding[] = [];
  const { contradictions, patients, shortcuts, odd } = audit;
  if (contradictions.length > 0)
    found.push({
      level: "warning",
      text: `${plural(contradictions.length, "pair")} of images show the same film under different labels: at least one of each pair is wrong.`,
    });
  if (patients && patients.split.length > 0)
    found.push({
      level: "warning",
      text: `${plural(patients.split.length, "patient")} ${patients.split.length === 1 ? "has" : "have"} images in more than one split.`,
    });
  const telling = shortcuts.filter(({ suspicious }) => suspicious);
  if (telling.length > 0)
    found.push({
      level: "warning",
      text: `The class can be told, in part, from what is no bone: ${list(telling.slice(0, 4).map(({ from, auc }) => `${from} (AUC ${fixed(auc, 2)})`))}. A network may have learnt that instead.`,
    });
  if (odd.length > 0)
    found.push({
      level: "note",
      text: `${plural(odd.length, "image")} ${odd.length === 1 ? "is" : "are"} odd (see Data).`,
    });
  return found;
}

function sizeFindings({ metrics, split, groups }: EvaluatedPart): Finding[] {
  const smallest = metrics.perClass.toSorted((a, b) => a.support - b.support)[0];
  const found: Finding[] = [];
  if (smallest && smallest.support < FEW)
    found.push({
      level: "note",
      text: `There are ${plural(smallest.support, `${split} image`)} of ${quoted(smallest.class)}: intervals are wide, and small differences between models mean nothing.`,
    });
  if (groups !== null && groups < metrics.samples)
    found.push({
      level: "note",
      text: `The ${plural(metrics.samples, `${split} image`)} are of ${plural(groups, "group")} of related images (of one film or one patient); intervals are over groups.`,
    });
  return found;
}

const apart = (a: Interval | null, b: Interval | null): boolean =>
  a !== null && b !== null && (a[0] > b[1] || b[0] > a[1]);

/** What was asked, in a sentence or two. */
export function questionOf(report: Report): string {
  const { main, val, config } = report;
  const classes = main?.metrics.classes ?? config?.classes ?? [];
  const part = main ?? val;
  const what = architectureName(report.architecture);
  const article = /^[aeiou]/i.test(what) ? "an" : "a";
  const tell =
    classes.length === 2
      ? `tell ${quoted(classes[0]!)} from ${quoted(classes[1]!)}`
      : classes.length > 2
        ? `tell ${count(classes.length)} classes apart (${list(classes.slice(0, 6).map(quoted))}${classes.length > 6 ? " and others" : ""})`
        : "tell the classes apart";
  const on = part ? ` on ${plural(part.metrics.samples, "image")} of the ${part.split} split` : "";
  return `Can ${article} ${what} ${tell}${on}?`;
}

/** What came out, in a sentence or two; null where nothing was evaluated. */
export function answerOf({ main }: Report): string | null {
  if (!main) return null;
  const { metrics, split } = main;
  const { right, samples, frequent } = counts(metrics);
  const always = `Always saying ${quoted(frequent.class)}, the most frequent class, would be right on ${count(frequent.support)} (${fixed(frequent.support / samples)}).`;
  return `It is right on ${count(right)} of ${plural(samples, `${split} image`)}: accuracy ${fixed(metrics.accuracy)}, 95% interval ${range(metrics.intervals.accuracy)}. ${always}`;
}
