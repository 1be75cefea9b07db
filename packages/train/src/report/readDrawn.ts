import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { embedFigure } from "./pictures.ts";
import type { Attachment } from "./report.ts";

/** What the data check draws of numbers, in the order in which it is looked at. Whatever else there is shows pictures of the data set. */
const PLOTS: Readonly<Record<string, string>> = {
  class_balance: "Images by split and class",
  levels: "Grey levels",
  dimensions: "Dimensions",
  aspect_ratios: "Aspect ratios",
  shortcuts: "Shortcuts",
};
const SHEETS: Readonly<Record<string, string>> = {
  copies: "Copies side by side",
  "contact-sheet": "What augmentation does to images",
};

type Note = (line: string) => void;

/** What lies in `results/data-check/`, with its numbers. */
export async function readDataPlots(
  folder: string,
  { pictures, note }: { readonly pictures: boolean; readonly note: Note },
): Promise<Attachment[]> {
  if (!existsSync(folder)) return [];
  const names = (await readdir(folder)).filter((name) => name.endsWith(".png")).map((name) => basename(name, ".png"));
  const titles = new Map(Object.entries({ ...PLOTS, ...SHEETS }));
  const order = [...titles.keys()];
  const place = (name: string): number => (order.includes(name) ? order.indexOf(name) : order.length);
  const showsData = (name: string): boolean => !Object.hasOwn(PLOTS, name);
  const wanted = names.filter((name) => pictures || !showsData(name));
  const found: Attachment[] = [];
  for (const name of wanted.toSorted((a, b) => place(a) - place(b) || (a < b ? -1 : 1))) {
    const title = titles.get(name) ?? name.replaceAll(/[-_]+/g, " ");
    const drawn = await readDrawn(join(folder, `${name}.png`), title, note);
    if (drawn) found.push({ ...drawn, showsData: showsData(name) });
  }
  return found;
}

/** A figure that the program drew for the run, with the numbers that lie beside it as CSV; null where there is none. */
export async function readDrawn(path: string, title: string, note: Note): Promise<Attachment | null> {
  if (!existsSync(path)) return null;
  const table = path.replace(/\.png$/, ".csv");
  try {
    const csv = existsSync(table) ? await readFile(table, "utf8") : null;
    const csvName = `${basename(dirname(path))}/${basename(table)}`;
    return { title, picture: await embedFigure(path), csv, csvName, showsData: false };
  } catch (error) {
    note(`${path}: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
}
