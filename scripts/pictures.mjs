// `npm run pictures`: takes every picture of the README, of the phantoms and the run that `npm run demo` makes (and runs it where they are
// not there), into docs/pictures. Needs Chromium.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { findChromium, openPage, startChromium } from "./lib/chromium.mjs";
import { ensureInstalled } from "./lib/install.mjs";
import { run } from "./lib/run.mjs";
import { main, root, say, SetupError } from "./lib/workspace.mjs";

const PICTURES = join(root, "docs", "pictures");
/** What `npm run demo` makes. */
const DATA = join(root, "data", "demo");
const RUN = join(root, "runs", "demo");
const SHOWN = 6;

/** Phantoms of both classes as a page, each as large as it is drawn. */
function phantomsPage(data) {
  const rows = ["fractured", "not fractured"].map((name) => {
    const folder = join(data, "test", name);
    const files = readdirSync(folder).toSorted().slice(0, SHOWN);
    const images = files.map(
      (file) => `<img src="${pathToFileURL(join(folder, file)).href}" width="140" height="140">`,
    );
    return `<p>${name}</p><div>${images.join("")}</div>`;
  });
  return `<!doctype html><style>
    body { margin: 12px; width: fit-content; font: 15px system-ui, sans-serif; background: #fff; color: #1b1f24 }
    p { margin: 4px 0 } div { display: flex; gap: 8px; margin-bottom: 8px } img { border-radius: 4px }
  </style><body>${rows.join("")}`;
}

/** Where parts of a page lie together, with some room. */
const around = (selectors, room) => `(() => {
  const boxes = ${JSON.stringify(selectors)}.flatMap((one) => [...document.querySelectorAll(one)]).map((e) => e.getBoundingClientRect());
  const [left, top] = [Math.min(...boxes.map((b) => b.left)), Math.min(...boxes.map((b) => b.top + scrollY))];
  const [right, bottom] = [Math.max(...boxes.map((b) => b.right)), Math.max(...boxes.map((b) => b.bottom + scrollY))];
  const x = Math.max(0, left - ${room}), y = Math.max(0, top - ${room});
  return { x, y, width: right + ${room} - x, height: bottom + ${room} - y };
})()`;

await main(async () => {
  const executable = findChromium();
  if (executable === null)
    throw new SetupError("the pictures are taken in Chromium: install it, or name one with FRACTURE_CHROMIUM");
  await ensureInstalled();
  if (!existsSync(join(RUN, "results", "report.html"))) {
    const code = await run(process.execPath, [join(root, "scripts", "demo.mjs")], { quiet: true });
    if (code !== 0) throw new SetupError(`npm run demo ended with exit code ${code}`);
  }
  const folder = mkdtempSync(join(tmpdir(), "fracture-pictures-"));
  let browser;
  try {
    writeFileSync(join(folder, "phantoms.html"), phantomsPage(DATA));
    const report = pathToFileURL(join(RUN, "results", "report.html")).href;
    browser = await startChromium(executable);
    const desk = { width: 900, height: 900 };
    const phantoms = pathToFileURL(join(folder, "phantoms.html")).href;
    const shots = [
      { name: "report", url: report, size: desk, parts: ["header", "main > section:first-of-type"] },
      { name: "report-phone", url: report, size: { width: 360, height: 740, dark: true, scale: 2 }, parts: null },
      {
        name: "heat-maps",
        url: report,
        size: desk,
        parts: ["#pictures .pictures:last-of-type > li:nth-child(-n + 4) .frame"],
        room: 4,
      },
      { name: "phantoms", url: phantoms, size: { width: 940, height: 420 }, parts: ["body"] },
    ];
    mkdirSync(PICTURES, { recursive: true });
    const sharp = createRequire(join(root, "packages", "train", "package.json"))("sharp");
    for (const { name, url, size, parts, room = 12 } of shots) {
      const page = await openPage(browser, url, size);
      const clip = parts
        ? await page.evaluate(around(parts, room))
        : { x: 0, y: 0, width: size.width, height: size.height };
      const png = await page.screenshot(clip);
      await page.close();
      writeFileSync(join(PICTURES, `${name}.png`), await sharp(png).png({ palette: true, effort: 10 }).toBuffer());
      say(`docs/pictures/${name}.png`);
    }
  } finally {
    await browser?.end();
    rmSync(folder, { recursive: true, force: true });
  }
});
