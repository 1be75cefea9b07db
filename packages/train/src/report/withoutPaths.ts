import { dirname, resolve } from "node:path";
import { lastPart } from "./facts.ts";
import type { Report, ShownPicture, ShownPictures } from "./report.ts";
import type { ReportAudit, ReportConfig } from "./schema.ts";

/**
 * A report that can be shown to others: where things lie on this machine tells of users, hospitals and patients. The command names `DATA`
 * and `RUN`, all else has the last part of its path. Not `data`, which says where nothing may be written: only its last part is ever shown.
 */
export function withoutPaths(report: Report): Report {
  const { config, recipe, model, folder, data, audit, pictures, notes } = report;
  const roots = [folder, resolve(folder), dirname(resolve(folder)), ...(data === null ? [] : [data, resolve(data)])];
  return {
    ...report,
    folder: "RUN",
    config: config && configWithout(config),
    recipe: recipe && { ...recipe, weights: recipe.weights && lastPart(recipe.weights) },
    model: model && lastPart(model),
    audit: audit && auditWithout(audit),
    pictures: picturesWithout(pictures),
    notes: notes.map((line) => noteWithout(line, roots)),
  };
}

const configWithout = (config: ReportConfig): ReportConfig => ({
  ...config,
  data: config.data === null ? null : "DATA",
  recipe: Object.fromEntries(
    Object.entries(config.recipe).map(([key, value]) => [key, typeof value === "string" ? lastPart(value) : value]),
  ),
});

const auditWithout = (audit: ReportAudit): ReportAudit => ({
  ...audit,
  leaks: audit.leaks.map((leak) => ({ ...leak, pairs: leak.pairs.map(pairWithout) })),
  contradictions: audit.contradictions.map(pairWithout),
  // A patient is often told by a folder's name.
  patients: audit.patients && {
    ...audit.patients,
    split: audit.patients.split.map((one, i) => ({ ...one, patient: `patient ${i + 1}` })),
  },
  unreadable: audit.unreadable.map((one) => ({ ...one, path: lastPart(one.path) })),
  odd: audit.odd.map((one) => ({ ...one, path: lastPart(one.path) })),
});

const pairWithout = <T extends { readonly a: string; readonly b: string }>(pair: T): T => ({
  ...pair,
  a: lastPart(pair.a),
  b: lastPart(pair.b),
});

const picturesWithout = ({ worstMistakes, leastCertain, surest }: ShownPictures): ShownPictures => {
  const without = (picture: ShownPicture): ShownPicture => ({ ...picture, name: lastPart(picture.name) });
  return {
    worstMistakes: worstMistakes.map(without),
    leastCertain: leastCertain.map(without),
    surest: surest.map(without),
  };
};

/** Folders that are known, whose names may have spaces in them, then whatever else looks like an absolute path. */
function noteWithout(line: string, roots: readonly string[]): string {
  const known = roots.map((root) => root.replace(/[\\/]+$/, "")).filter((root) => /[\\/]/.test(root));
  let text = line;
  for (const root of known.toSorted((a, b) => b.length - a.length)) {
    // Up to the last separator before what ends a path in a message.
    const below = new RegExp(`${escaped(root)}[\\\\/](?:[^\\\\/:'"\\n]*[\\\\/])*`, "g");
    text = text.replaceAll(below, "").replaceAll(root, lastPart(root));
  }
  return text.replaceAll(/(?:\b[A-Za-z]:[\\/]|(?<![\w.])(?:~|\.{1,2})?[\\/])(?:[^\s\\/:'"]+[\\/])*(?=[^\s\\/])/g, "");
}

const escaped = (literal: string): string => literal.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
