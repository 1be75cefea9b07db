import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RunFolderError } from "../run/runFolder.ts";
import { spreadsOf, writeSeedsSummary, type SeedFigures } from "../seeds/summary.ts";
import { writeReportFolder, type ReportFolderOptions } from "../testing/reportFolder.ts";
import { readReport } from "./readReport.ts";
import { reportHtml } from "./reportHtml.ts";
import { writeReport } from "./writeReport.ts";

const root = mkdtempSync(join(tmpdir(), "fracture-report-"));
afterAll(() => rmSync(root, { recursive: true }));

const CLASSES = ["fractured", "not fractured"];
const htmlOf = async (name: string, options: Partial<ReportFolderOptions> = {}): Promise<string> => {
  await writeReportFolder(join(root, name), { classes: CLASSES, ...options });
  return reportHtml(await readReport(join(root, name)));
};
/** Words as a reader sees them, the style and the contents of attributes left out. */
const textOf = (html: string): string =>
  html
    .replaceAll(/<style>[^]*?<\/style>|<[^>]*>/g, " ")
    .replaceAll(/\s+/g, " ")
    .replaceAll(" .", ".");
const sectionOf = (html: string, id: string): string =>
  new RegExp(`<section id="${id}"[^]*?</section>`).exec(html)?.[0] ?? "";

describe("the report of a finished run", () => {
  let html = "";
  let text = "";
  beforeAll(async () => {
    html = await htmlOf("finished", { copies: 55, threshold: true });
    text = textOf(html);
  });

  it("says first what was asked, that it is no medical device, and which figures came out, with intervals", () => {
    const first = textOf(html.slice(0, html.indexOf("<nav")));
    expect(first).toContain("Research use, not a medical device.");
    expect(first).toContain("Can a ResNet-50 tell “fractured” from “not fractured” on 60 images of the test split?");
    expect(first).toMatch(
      /It is right on \d+ of 60 test images: accuracy 0\.\d{3}, 95% interval 0\.\d{3} to 0\.\d{3}\./,
    );
    expect(first).toContain("Always saying “fractured”, the most frequent class, would be right on 30 (0.500).");
  });

  it("warns on its first page of copies of training images, with the figures with and without them side by side", () => {
    const first = html.slice(0, html.indexOf("<nav"));
    expect(textOf(first)).toContain(
      "Warning: 54 of 60 test images are copies of training images, pixel for pixel. 1 more shows a film that is there",
    );
    const table = /<table>(?:(?!<\/table>)[^])*Figures with and without copies[^]*?<\/table>/.exec(first)?.[0] ?? "";
    expect(textOf(table)).toMatch(/All 60 test images Without copies: 5 images/);
    expect(textOf(table)).toMatch(/Accuracy 0\.\d{3} \(0\.\d{3} to [01]\.\d{3}\) 0\.\d{3} \(/);
  });

  it("has every part, and figures at the threshold beside those of the larger probability", () => {
    for (const id of ["data", "training", "figures", "pictures", "card", "checklists"])
      expect(sectionOf(html, id), id).not.toBe("");
    expect(text).toContain("at the threshold, and by the larger probability");
    expect(text).toContain("suspicious");
    expect(text).toContain("1 pair of images show the same film under different labels");
  });

  it("loads nothing and runs nothing", () => {
    expect(html).not.toMatch(/<script|<link|<iframe|<object|@import|url\(/i);
    const sources = [...html.matchAll(/\b(?:src|href|srcset|poster|data)="([^"]*)"/g)].map(([, value = ""]) => value);
    expect(sources.length).toBeGreaterThan(10);
    expect(sources.filter((value) => !/^(#|data:image\/webp;base64,)/.test(value))).toEqual([]);
    expect(html).toMatch(/http-equiv="Content-Security-Policy"\s+content="default-src 'none'; style-src/);
  });

  it("has for a screen reader: a language, captions, texts for pictures, and headings without gaps", () => {
    expect(html).toContain('<html lang="en">');
    expect(html.match(/<table/g)).toHaveLength(html.match(/<caption>/g)!.length);
    for (const [image] of html.matchAll(/<img [^>]*>/g)) expect(image).toMatch(/ alt="[^"]{20,}"/);
    for (const [svg] of html.matchAll(/<svg [^>]*>/g)) expect(svg).toMatch(/ role="img" aria-label="[^"]{40,}"/);
    const levels = [...html.matchAll(/<h(\d)/g)].map(([, level]) => Number(level));
    levels.reduce((before, level) => {
      expect(level).toBeLessThanOrEqual(before + 1);
      return level;
    }, 0);
    const ids = [...html.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("gives the numbers of every plot as a table", () => {
    const plots = html.split('<svg class="plot"').slice(1);
    expect(plots).toHaveLength(6);
    for (const plot of plots) {
      const figure = plot.slice(0, plot.indexOf("</figure>"));
      expect(figure).toMatch(/<details>\s*<summary>[^<]+: the numbers<\/summary>[^]*<table/);
      expect(figure.match(/<tr>/g)!.length).toBeGreaterThan(3);
    }
  });

  it("shows each film once, as a picture, and says how many more of it there are", async () => {
    const { pictures } = await readReport(join(root, "finished"));
    const { leastCertain, worstMistakes } = pictures;
    const films = leastCertain.map(({ path }) => Number(/(\d+)\.png$/.exec(path)![1]) % 15);
    expect(new Set(films).size).toBe(8);
    expect(worstMistakes.every(({ plain, label, predicted }) => plain !== null && label !== predicted)).toBe(true);
    expect(worstMistakes.map(({ alike }) => alike)).toEqual([3, 3, 3]);
    expect(text).toContain("and 3 more of the same film or patient");
  });

  it("shows what the data check drew with its numbers, and without pictures nothing that shows them", async () => {
    const folder = join(root, "drawn");
    await writeReportFolder(folder, { classes: CLASSES });
    const drawn = join(folder, "results", "data-check");
    mkdirSync(drawn);
    const png = await sharp({ create: { width: 4, height: 4, channels: 3, background: "red" } })
      .png()
      .toBuffer();
    for (const name of ["levels", "copies", "contact-sheet", "new kind"])
      writeFileSync(join(drawn, `${name}.png`), png);
    writeFileSync(join(drawn, "levels.csv"), "class,from,below\na,0,8\nb,8,16\n");
    writeFileSync(join(drawn, "shortcuts.png"), "no picture");
    const { dataPlots, notes } = await readReport(folder);
    expect(dataPlots.map(({ title, csv }) => [title, csv !== null])).toEqual([
      ["Grey levels", true],
      ["Copies side by side", false],
      ["What augmentation does to images", false],
      ["new kind", false],
    ]);
    expect(notes).toEqual([expect.stringContaining("shortcuts.png: ")]);
    const bare = await readReport(folder, { pictures: false });
    expect(bare.dataPlots.map(({ title }) => title)).toEqual(["Grey levels"]);
    expect(textOf(reportHtml(bare))).toContain("Grey levels: the numbers");
  });

  it("leaves pictures out where it is told to, and says which it can't read", async () => {
    const bare = reportHtml(await readReport(join(root, "finished"), { pictures: false }));
    expect(bare).not.toContain("<img");
    expect(bare).toContain("This file holds no images of the data set");
    rmSync(join(root, "finished-data"), { recursive: true });
    const moved = reportHtml(await readReport(join(root, "finished")));
    expect(moved).not.toContain("<img");
    expect(moved).toContain("No picture: can’t be read any more");
  });
});

describe("names from the data", () => {
  const EVIL = [
    '<script>alert("1")</script>',
    '"><img src=x onerror=alert(1)>',
    "</style></title><svg onload=alert(1)>&lt;",
  ];
  const tags = (html: string): string[] =>
    [...html.replace(/<style>[^]*?<\/style>/, "").matchAll(/<(\/?[a-z0-9]+)/gi)].map(([, tag = ""]) => tag);
  const inFile = (name: string): string => name.replaceAll("/", "∕");

  it("never become markup: classes, files, stages, reasons and folders", async () => {
    const hostile = await htmlOf(`run ${inFile(EVIL[1]!)}`, {
      classes: [EVIL[0]!, EVIL[2]!],
      fileName: (i) => `${i} ${inFile(EVIL[1]!)}.png`,
      stage: EVIL[2]!,
      copies: 3,
    });
    const harmless = await htmlOf("run b", {
      classes: ["a", "b"],
      fileName: (i) => `${i} c.png`,
      stage: "d",
      copies: 3,
    });
    expect(hostile).not.toContain("<script");
    expect(hostile).not.toMatch(/<img src=x|<svg onload/);
    // The plots elide names, so texts may differ there in number; nothing else may.
    const outside = (html: string): string => html.replaceAll(/<svg class="plot"[^]*?<\/svg>/g, "");
    expect(tags(outside(hostile))).toEqual(tags(outside(harmless)));
    expect(textOf(hostile)).toContain("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;");
  });

  it("can neither turn a line round nor hide in it", async () => {
    const html = await htmlOf("bidi", { classes: ["a\u202Eb", "c\u0000d\u0007"] });
    expect(html).not.toMatch(/[^\P{Cc}\t\n]|[\u202A-\u202E]/u);
    expect(html).toContain("a\uFFFDb");
  });

  it("in the model card are neither Markdown nor YAML", async () => {
    const folder = join(root, "card");
    await writeReportFolder(folder, { classes: ["a\n---\nlicense: mit", "[x](http://y) <b>*z*"] });
    const { modelCard } = await writeReport(folder);
    const card = readFileSync(modelCard, "utf8");
    expect(card.match(/^---$/gm)).toHaveLength(2);
    expect(card).not.toMatch(/^license: mit/m);
    expect(card).toContain("\\[x\\](http://y) &lt;b&gt;\\*z\\*");
    expect(card).toContain("Research use, not a medical device.");
    expect(card).toMatch(/^ {4}- type: accuracy\n {6}name: Accuracy\n {6}value: 0\.\d+$/m);
  });
});

describe("a run folder with parts missing", () => {
  const PARTS = [
    "config.json",
    "history.csv",
    "results/metrics.json",
    "results/predictions.csv",
    "results/val",
    "results/data-check.json",
  ] as const;

  it.each(PARTS)("without %s still gives a report", async (part) => {
    const folder = join(root, `without ${part.replace("/", " ")}`);
    await writeReportFolder(folder, { classes: CLASSES });
    rmSync(join(folder, part), { recursive: true });
    const report = await readReport(folder);
    expect(report.notes.length).toBe(part === "config.json" ? 1 : 0);
    expect(textOf(reportHtml(report))).toContain("Research use, not a medical device.");
    // Figures are kept, or come from the predictions.
    expect(report.main?.metrics.samples).toBe(60);
  });

  it.each(PARTS.filter((part) => part !== "results/val"))("with %s damaged says so, and goes on", async (part) => {
    const folder = join(root, `damaged ${part.replace("/", " ")}`);
    await writeReportFolder(folder, { classes: CLASSES });
    writeFileSync(join(folder, part), '{"samples": "many", \u0000\n1,2\n');
    const report = await readReport(folder);
    expect(report.notes).toHaveLength(1);
    expect(textOf(reportHtml(report))).toContain("Left out");
  });

  it("with hours of training and no figures yet says that", async () => {
    const folder = join(root, "unfinished");
    await writeReportFolder(folder, { classes: CLASSES });
    rmSync(join(folder, "results"), { recursive: true });
    expect(textOf(reportHtml(await readReport(folder)))).toContain("No test figures.");
  });

  it("of which nothing is there is refused", async () => {
    mkdirSync(join(root, "empty"));
    await expect(readReport(join(root, "empty"))).rejects.toThrow(RunFolderError);
    await expect(readReport(join(root, "nowhere"))).rejects.toThrow("no such run folder");
  });
});

it("several classes have their figures as means and each by itself, and no threshold", async () => {
  const html = await htmlOf("classes", { classes: ["femur", "hip", "none", "wrist"], images: 12 });
  const text = textOf(html);
  expect(text).toContain("tell 4 classes apart (“femur”, “hip”, “none” and “wrist”)");
  expect(text).toContain("Mean over the classes, each against the rest");
  expect(html).not.toMatch(/Figures by threshold|“null”|>null</);
  // Said and true in the matrix, by class, and in the table of probabilities.
  expect(sectionOf(html, "figures").match(/<bdi>wrist<\/bdi>/g)!.length).toBeGreaterThan(4);
  expect(text).toMatch(/Mean, by images 0\.\d{3} \(0/);
});

it("a run of several seeds says how its figures spread over them, and their folder has a report too", async () => {
  const together = join(root, "seeds");
  await writeReportFolder(join(together, "seed-0"), { classes: CLASSES });
  const figures = (accuracy: number): SeedFigures => ({
    accuracy,
    precision: null,
    recall: null,
    specificity: null,
    f1: null,
    rocAuc: null,
    averagePrecision: null,
    logLoss: null,
    calibrationError: null,
  });
  const runs = [0.7, 0.8].map((accuracy, seed) => ({
    seed,
    folder: `seed-${seed}`,
    epochs: 4,
    bestEpoch: 3,
    figures: figures(accuracy),
    val: null,
    withoutCopies: null,
  }));
  await writeSeedsSummary(together, {
    split: "test",
    samples: 60,
    positiveClass: "fractured",
    runs,
    missing: [],
    figures: spreadsOf(runs.map((run) => run.figures)),
    val: null,
    withoutCopies: null,
    together: null,
  });
  const html = reportHtml(await readReport(join(together, "seed-0")));
  expect(textOf(html)).toMatch(/Over 2 seeds .* Accuracy 0\.750 \(\S+ to \S+\) 0\.071 0\.700 to 0\.800/);
  writeFileSync(join(together, "config.json"), JSON.stringify({ format: "fracture-seeds/1" }));
  expect((await readReport(together)).notes).toEqual([]);
});

it("a folder that eval --out wrote has a report of its own, beside its figures", async () => {
  const folder = join(root, "evaluated");
  await writeReportFolder(folder, { classes: CLASSES });
  const figures = join(folder, "results", "metrics.json");
  const kept = JSON.parse(readFileSync(figures, "utf8"));
  writeFileSync(figures, JSON.stringify({ ...kept, model: "a.safetensors", architecture: "resnet18" }));
  const { html, report } = await writeReport(join(folder, "results"));
  expect(html).toBe(join(folder, "results", "report.html"));
  expect(textOf(readFileSync(html, "utf8"))).toContain("Can a ResNet-18 tell “fractured” from “not fractured”");
  expect(report).toMatchObject({ kind: "evaluation", model: "a.safetensors", main: { split: "test" }, history: [] });
});

it("a report is never written among the pictures", async () => {
  const folder = join(root, "among");
  const { data } = await writeReportFolder(folder, { classes: CLASSES });
  await expect(writeReport(folder, { out: join(data, "test", "report.html") })).rejects.toThrow(
    "where nothing is written",
  );
});
