// The report as a reader sees it: in a real browser, on a phone and on a desk, in the light and in the dark, and on paper.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeReport } from "../packages/train/src/report/writeReport.ts";
import { writeReportFolder } from "../packages/train/src/testing/reportFolder.ts";
import { findChromium, openPage, startChromium } from "./lib/chromium.mjs";

const executable = findChromium();
const PHONE = { width: 360, height: 780 };
const DESK = { width: 1200, height: 900 };

describe.skipIf(executable === null)(
  `the report in a browser${executable ? "" : " (no Chromium is installed)"}`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), "fracture-browser-"));
    let browser;
    const urls = {};

    beforeAll(async () => {
      const long = "a class of fractures whose name is far longer than a phone is wide";
      const runs = {
        "two classes": { classes: ["fractured", "not fractured"], copies: 55, threshold: true },
        "five classes with long names": {
          classes: [1, 2, 3, 4, 5].map((n) => `${long} ${n}`),
          images: 6,
          fileName: (i) => `${"x".repeat(90)}${i}.png`,
        },
      };
      for (const [name, options] of Object.entries(runs)) {
        await writeReportFolder(join(folder, name), options);
        urls[name] = pathToFileURL((await writeReport(join(folder, name))).html).href;
      }
      browser = await startChromium(executable);
    });
    afterAll(async () => {
      await browser?.end();
      rmSync(folder, { recursive: true });
    });

    describe.each(["two classes", "five classes with long names"])("with %s", (name) => {
      it.each([
        ["on a phone", { ...PHONE, dark: false }],
        ["on a phone in the dark", { ...PHONE, dark: true }],
        ["on a desk", { ...DESK, dark: false }],
        ["on a desk in the dark", { ...DESK, dark: true }],
      ])("%s has nothing beyond its edge, asks for nothing, and nothing goes wrong", async (_, size) => {
        const page = await openPage(browser, urls[name], size);
        // All that can be opened is: tables of numbers are wide.
        await page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true");
        const seen = await page.evaluate(`({
        width: document.documentElement.scrollWidth,
        beyond: [...document.querySelectorAll("body *")].filter((e) => !e.closest(".scroll") && e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.outerHTML.slice(0, 120)).slice(0, 3),
        broken: [...document.images].filter((image) => !image.complete || image.naturalWidth === 0).length,
        images: document.images.length,
        background: getComputedStyle(document.body).backgroundColor,
        letters: Math.min(...[...document.querySelectorAll("svg.plot text")].map((e) => e.getBoundingClientRect().height)),
      })`);
        expect(seen).toMatchObject({ width: size.width, beyond: [], broken: 0 });
        expect(seen.images).toBeGreaterThan(5);
        // The smallest letters of a plot, as tall as 8 points.
        expect(seen.letters).toBeGreaterThan(9);
        const [red] = seen.background.match(/\d+/g).map(Number);
        expect(size.dark ? red < 40 : red > 240).toBe(true);
        expect(page.requests).toEqual([]);
        expect(page.errors).toEqual([]);
        await page.close();
      });
    });

    it("prints on A4, with the numbers of plots opened, in black on white whatever the screen is", async () => {
      const page = await openPage(browser, urls["two classes"], { ...DESK, dark: true });
      const pdf = await page.pdf();
      const text = pdf.toString("latin1");
      expect(text.startsWith("%PDF-")).toBe(true);
      // A4 in points, rounded as Chromium does.
      expect(text).toMatch(/\/MediaBox \[0 0 59[45]\S* 84[12]\S*\]/);
      const pages = text.match(/\/Type \/Page\b/g).length;
      expect(pages).toBeGreaterThan(8);
      expect(pages).toBeLessThan(40);
      await page.emulatePrint();
      const seen = await page.evaluate(`({
      background: getComputedStyle(document.body).backgroundColor,
      ink: getComputedStyle(document.body).color,
      closed: [...document.querySelectorAll("details:not([open]) table")].filter((e) => e.getBoundingClientRect().height === 0).length,
    })`);
      expect(seen).toEqual({ background: "rgb(255, 255, 255)", ink: "rgb(27, 31, 36)", closed: 0 });
      await page.close();
    });
  },
);
