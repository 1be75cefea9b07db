import { RESEARCH_USE } from "../notice.ts";
import { lastPart } from "./facts.ts";
import type { ModelCard } from "./modelCard.ts";
import type { Report } from "./report.ts";

/**
 * A model card as Hugging Face's hub takes it for a README.md: YAML front matter with tags and results (its `model-index`), then
 * Markdown. The licence is "other" until its authors choose one.
 */
export function modelCardMarkdown(card: ModelCard, report: Report): string {
  const sections = card.sections.map(
    ({ title, lines }) => `## ${title}\n\n${lines.map((line) => `- ${escapeMarkdown(line)}\n`).join("")}`,
  );
  return `---\n${frontMatter(card, report)}---\n\n# ${escapeMarkdown(card.name)}\n\n**${RESEARCH_USE}**\n\n${sections.join("\n")}`;
}

/** JSON's strings are YAML's in double quotes, which nothing can break out of. */
const text = (value: string): string =>
  JSON.stringify(value).replaceAll(
    /[\u007f-\u009f\u2028\u2029\ufeff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

const METRICS = [
  ["accuracy", "Accuracy", "accuracy"],
  ["roc_auc", "AUC", "rocAuc"],
  ["recall", "Sensitivity", "recall"],
  ["precision", "Precision", "precision"],
  ["f1", "F1", "f1"],
] as const;

function frontMatter(card: ModelCard, { architecture, data, main }: Report): string {
  const lines = [
    "license: other",
    "license_name: to-be-chosen-by-the-authors",
    "library_name: fracture",
    "pipeline_tag: image-classification",
    "tags:",
    "- image-classification",
    "- medical-imaging",
    "- radiography",
    ...(architecture ? [`- ${text(architecture)}`] : []),
  ];
  if (main) {
    const { metrics, split } = main;
    lines.push(
      "metrics:",
      ...METRICS.map(([type]) => `- ${type}`),
      "model-index:",
      `- name: ${text(card.name)}`,
      "  results:",
      "  - task:",
      "      type: image-classification",
      "    dataset:",
      `      name: ${text(data === null ? "unknown" : lastPart(data))}`,
      "      type: imagefolder",
      `      split: ${text(split)}`,
      "    metrics:",
      ...METRICS.flatMap(([type, name, key]) => {
        const value = metrics[key];
        return value === null ? [] : [`    - type: ${type}`, `      name: ${name}`, `      value: ${value}`];
      }),
    );
  }
  return lines.map((line) => `${line}\n`).join("");
}

/** Nothing in a name can be markup, HTML or a link. */
export function escapeMarkdown(line: string): string {
  return line
    .replaceAll(/[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]+/gu, " ")
    .replaceAll(/[\\`*_[\]#|~]/g, (char) => `\\${char}`)
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
}
