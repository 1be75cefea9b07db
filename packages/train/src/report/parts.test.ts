import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { drawPlots } from "../evaluate/plots.ts";
import { writeReportFolder } from "../testing/reportFolder.ts";
import { claimAnswers, knownOf, stardAnswers } from "./checklist/answers.ts";
import { CLAIM, STARD } from "./checklist/items.ts";
import { leakSentence } from "./findings.ts";
import { modelCardOf } from "./modelCard.ts";
import { modelCardMarkdown } from "./modelCardMarkdown.ts";
import { STYLE } from "./page/style.ts";
import { within } from "./pictures.ts";
import { readReport } from "./readReport.ts";
import type { Report } from "./report.ts";
import { nameOf } from "./shownPictures.ts";

const folder = mkdtempSync(join(tmpdir(), "fracture-report-parts-"));
let report: Report;
beforeAll(async () => {
  await writeReportFolder(join(folder, "run"), { classes: ["fractured", "not fractured"] });
  report = await readReport(join(folder, "run"), { pictures: false });
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("the checklists", () => {
  it("have CLAIM's 44 items of 2024, and STARD's 30 of 2015, four of them in two parts", () => {
    expect(CLAIM.map(({ number }) => number)).toEqual(Array.from({ length: 44 }, (_, i) => String(i + 1)));
    const parted = new Set(["10", "12", "13", "21"]);
    const numbers = Array.from({ length: 30 }, (_, i) => String(i + 1));
    expect(STARD.map(({ number }) => number)).toEqual(
      numbers.flatMap((n) => (parted.has(n) ? [`${n}a`, `${n}b`] : [n])),
    );
  });

  it("answer only what there is, and less of a run without figures", () => {
    const answered = (of: Report): number => {
      const known = knownOf(of);
      const all = [
        [CLAIM, claimAnswers(known)],
        [STARD, stardAnswers(known)],
      ] as const;
      for (const [items, answers] of all)
        for (const number of Object.keys(answers)) expect(items.map((item) => item.number)).toContain(number);
      return all.flatMap(([, answers]) => Object.values(answers)).filter((answer) => answer !== null).length;
    };
    expect(answered(report)).toBeGreaterThan(30);
    expect(answered({ ...report, main: null, val: null })).toBeLessThan(answered(report) - 10);
  });

  it("name the seed that divided the images, which need not be that of training", () => {
    const dealt = { ...report, recipe: { ...report.recipe!, valFraction: 0.2, seed: 7 } };
    const partitions = (of: Report): string => claimAnswers(knownOf(of))["19"]!.text;
    expect(partitions(dealt)).toMatch(/^At random by seed 7, /);
    expect(partitions({ ...dealt, recipe: { ...dealt.recipe, splitSeed: 3 } })).toMatch(/^At random by seed 3, /);
  });

  it("leave to the authors what no run can know", () => {
    const [claim, stard] = [claimAnswers(knownOf(report)), stardAnswers(knownOf(report))];
    // Background, eligibility, de-identification, annotators, registration, practice, funding.
    for (const number of ["2", "3", "5", "8", "11", "13", "14", "16", "18", "33", "34", "36", "41", "44"])
      expect(claim[number] ?? null, number).toBeNull();
    for (const number of ["6", "8", "10b", "13b", "20", "22", "25", "28", "30"])
      expect(stard[number] ?? null, number).toBeNull();
  });
});

describe("the model card", () => {
  it("has the nine parts of Mitchell et al., and licences", () => {
    expect(modelCardOf(report).sections.map(({ title }) => title)).toEqual([
      "Model details",
      "Intended use",
      "Factors",
      "Metrics",
      "Evaluation data",
      "Training data",
      "Quantitative analyses",
      "Ethical considerations",
      "Caveats and recommendations",
      "Licences",
    ]);
  });

  it("has front matter that YAML reads, as Hugging Face's hub takes it, whatever the names are", () => {
    const evil = 'a: "b"\n---\n- c\u2028 #d';
    const named: Report = { ...report, name: evil, data: `/x/${evil}` };
    const [, front = ""] = /^---\n([^]*?)\n---\n/.exec(modelCardMarkdown(modelCardOf(named), named)) ?? [];
    const read = parse(front);
    expect(read).toMatchObject({ license: "other", pipeline_tag: "image-classification" });
    const [model] = read["model-index"];
    expect(model).toMatchObject({
      name: evil,
      results: [{ task: { type: "image-classification" }, dataset: { name: evil, split: "test" } }],
    });
    const [result] = model.results;
    expect(result.metrics[0]).toEqual({ type: "accuracy", name: "Accuracy", value: report.main!.metrics.accuracy });
  });
});

describe("copies in a sentence", () => {
  const leak = (copies: number, exact: number, pictures = 120) => ({
    split: "test",
    of: "train",
    pictures,
    copies,
    exact,
    pairs: [],
  });

  it.each([
    [
      leak(118, 117),
      /^117 of 120 test images are copies of training images, pixel for pixel\. 1 more shows a film that is there, as far as/,
    ],
    [leak(117, 117), /^117 of 120 test images are copies of training images, pixel for pixel\.$/],
    [
      leak(5, 0, 198),
      /^5 of 198 test images show a film that is among the training images, as far as a program can tell: turned/,
    ],
    [leak(1, 1), /^1 of 120 test images is a copy of training images, pixel for pixel\.$/],
  ])("%j", (given, sentence) => {
    expect(leakSentence(given)).toMatch(sentence);
  });
});

describe("in the dark", () => {
  const dark = /@media screen and \(prefers-color-scheme: dark\) \{([^]*?)\n\}/.exec(STYLE)![1]!;
  const page = /--page: (#\w{6})/.exec(dark)![1]!;
  const luminance = (colour: string): number =>
    [1, 3, 5]
      .map((at) => parseInt(colour.slice(at, at + 2), 16) / 255)
      .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
      .reduce((sum, value, i) => sum + value * [0.2126, 0.7152, 0.0722][i]!, 0);
  const contrast = (a: string, b: string): number => {
    const [low, high] = [luminance(a), luminance(b)].toSorted((x, y) => x - y);
    return (high! + 0.05) / (low! + 0.05);
  };

  it("every line and every letter of a plot can be seen: a contrast of 3 and 4.5 (WCAG AA)", () => {
    const { predictions, plainPredictions, metrics } = report.main!;
    const several = {
      classes: ["a", "b", "c", "d", "e", "f", "g", "h"],
      labels: Array.from({ length: 16 }, (_, i) => i % 8),
      probabilities: Array.from({ length: 128 }, (_, i) => (i % 8 === (i >> 3) % 8 ? 0.3 : 0.1)),
    };
    const { confusion_matrix: _, ...drawn } = drawPlots(
      {
        training: { history: report.history, bestEpoch: 3 },
        evaluation: { predictions: predictions!, metrics, plain: plainPredictions! },
      },
      "column",
    );
    const { roc } = drawPlots({ evaluation: { predictions: several } }, "column");
    for (const svg of [...Object.values(drawn), roc!])
      for (const [, tag = "", attributes = ""] of svg.matchAll(/<(\w+) ([^>]*)>/g))
        for (const [, property = "", colour = ""] of attributes.matchAll(/\b(fill|stroke)="(#\w{6})"/g)) {
          const rule = new RegExp(`${tag}\\[${property}="${colour}"\\][^{]*\\{ ${property}: ([^;]+);`).exec(dark);
          const general = new RegExp(`\\.plot \\[${property}="${colour}"\\] \\{ ${property}: ([^;]+);`).exec(dark);
          const shown = (rule ?? general)?.[1] ?? colour;
          // The page itself, what lies behind data (bands, the grid), and the halo of letters.
          if (shown === "var(--page)" || ["#f5f5f5", "#e4e4e4"].includes(colour)) continue;
          const least = tag === "text" ? 4.5 : 3;
          expect(contrast(shown, page), `${tag} ${property} ${colour}, shown as ${shown}`).toBeGreaterThanOrEqual(
            least,
          );
        }
  });

  it("text can be read on page, panel and warning, in the light too", () => {
    for (const part of [dark, STYLE.slice(0, STYLE.indexOf("@media"))]) {
      const of = (name: string): string => new RegExp(`--${name}: (#\\w{6})`).exec(part)![1]!;
      for (const back of ["page", "panel", "warn"])
        for (const ink of ["ink", "muted", "accent"])
          expect(contrast(of(ink), of(back)), `${ink} on ${back}`).toBeGreaterThanOrEqual(4.5);
    }
  });
});

it("a file that explanations name outside of their folder is not opened", () => {
  expect(within("/run/results", "explanations/a.png")).toBe(join("/run/results", "explanations", "a.png"));
  for (const name of ["../../secret.png", "/etc/passwd", "explanations/../../x.png", ""])
    expect(within("/run/results", name)).toBeNull();
});

it("a picture's name leaves the data folder out, on every system", () => {
  expect(nameOf("/data/x/test/a/1.png", "/data/x/")).toBe("test/a/1.png");
  expect(nameOf("C:\\data\\x\\test\\1.png", "C:\\data\\x")).toBe("test/1.png");
  expect(nameOf("/other/1.png", "/data")).toBe("/other/1.png");
});
