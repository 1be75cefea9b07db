import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CsvError, csvLine } from "../run/csv.ts";
import { readDataFolder, type DataFolderOptions } from "./folder.ts";
import { SPLITS } from "./split.ts";

let root = "";
let csv = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "fracture-manifest-"));
  csv = join(root, "lists", "set.csv");
});
afterEach(() => rmSync(root, { recursive: true }));

/** Writes the CSV file, and an empty file for every path in it. */
function write(text: string, { files = true } = {}): void {
  mkdirSync(dirname(csv), { recursive: true });
  writeFileSync(csv, text);
  for (const [, name] of text.matchAll(/^(\.\.\/\S+?\.png),/gm)) {
    mkdirSync(join(csv, "..", dirname(name!)), { recursive: true });
    if (files) writeFileSync(join(csv, "..", name!), "");
  }
}

const thrown = async (options?: DataFolderOptions): Promise<string> => {
  const error = await readDataFolder(csv, options).catch((reason: unknown) => reason);
  if (!(error instanceof CsvError)) throw new Error(`expected a CsvError, got ${String(error)}`);
  expect(error.message.startsWith(`${csv}: `)).toBe(true);
  return error.message.slice(csv.length + 2);
};

const WHOLE = `path,label,split,patient,view
../x/3.png,whole,train,b,lateral
../x/2.png,fractured,Train,a,
../x/4.png,whole,valid,,
../x/1.png,fractured,val,c,
`;

describe("a CSV file in place of a folder", () => {
  test("gives pictures by class, then by path, whatever the order of its lines, and whose they are", async () => {
    write(WHOLE);
    const { layout, classes, splits, patients, base, columns } = await readDataFolder(csv);
    expect([layout, base, classes]).toEqual(["splits", join(root, "lists"), ["fractured", "whole"]]);
    const at = (n: number): string => join(root, "x", `${n}.png`);
    expect(splits).toEqual({
      train: { paths: [at(2), at(3)], labels: [0, 1] },
      val: { paths: [at(1), at(4)], labels: [0, 1] },
      test: null,
    });
    expect(columns!.names).toEqual(["view"]);
    expect([at(3), at(1)].map((path) => columns!.of.get(path))).toEqual([
      new Map([["view", "lateral"]]),
      new Map([["view", ""]]),
    ]);
    expect(patients).toEqual(new Map([[at(3), "b"], [at(2), "a"], [at(1), "c"]])); // prettier-ignore
  });

  test("is read as spreadsheets and people write it: byte order mark, CRLF, empty lines, no newline at the end", async () => {
    write(
      `\uFEFF${WHOLE.replaceAll("\n", "\r\n").replace("label", " label")}\r\n"../x/5, 6.png",whole,test,,\r\n../x/7.png,fractured,test,,`,
    );
    writeFileSync(join(root, "x", "5, 6.png"), "");
    writeFileSync(join(root, "x", "7.png"), "");
    const { splits } = await readDataFolder(csv, { need: ["train", "val", "test"] });
    expect(splits.test!.paths).toEqual([join(root, "x", "7.png"), join(root, "x", "5, 6.png")]);
  });

  test.each<[string, (text: string) => string | Buffer]>([
    ["semicolons", (text) => text.replaceAll(",", ";")],
    ["tabs, in UTF-16", (text) => Buffer.from(`\uFEFF${text.replaceAll(",", "\t")}`, "utf16le")],
    ["a header in capitals", (text) => text.replace("path,label,split,patient", "Path,LABEL,Split,Patient")],
  ])("is read with %s, too", async (_, change) => {
    write(WHOLE);
    const plain = await readDataFolder(csv);
    writeFileSync(csv, change(WHOLE));
    expect(await readDataFolder(csv)).toEqual(plain);
  });

  test("may name files with quotes, newlines, blanks and letters of any script, by links and by absolute paths", async () => {
    const names = ['a "b".png', "two\nlines.png", "über 骨 折.png", ";,.png"];
    mkdirSync(join(root, "x"));
    for (const name of names) writeFileSync(join(root, "x", name), "");
    symlinkSync(join(root, "x"), join(root, "link"));
    const path = (name: string, i: number): string => (i % 2 ? join(root, "x", name) : `../link/${name}`);
    write(`path,label\n${names.map((name, i) => csvLine([path(name, i), i < 2 ? "a" : "b"])).join("")}`);
    const { splits } = await readDataFolder(csv, { fractions: { train: 1, val: 0, test: 0 } });
    const expected = names.map((name, i) => join(root, i % 2 ? "x" : "link", name)).sort();
    expect([...splits.train!.paths].sort()).toEqual(expected);
  });

  test("without a column of splits is split by seed, a patient's pictures together", async () => {
    const lines = Array.from({ length: 60 }, (_, i) => `../x/${i}.png,${i % 2 ? "a" : "b"},p${Math.floor(i / 4)}`);
    write(`path,label,patient\n${lines.join("\n")}\n`);
    const read = async (seed: number) => (await readDataFolder(csv, { seed })).splits;
    const splits = await read(1);
    const patients = SPLITS.map(
      (name) => new Set(splits[name]!.paths.map((path) => Math.floor(Number(/(\d+)\.png/.exec(path)![1]) / 4))),
    );
    expect(patients.reduce((sum, { size }) => sum + size, 0)).toBe(15);
    expect(await read(1)).toEqual(splits);
    expect(await read(2)).not.toEqual(splits);
  });

  test.each([
    ["file,class\na,b\n", 'has no column "path" (columns: file, class)'],
    ["path\na\n", 'has no column "label" (columns: path)'],
    [
      `path,label,${"x".repeat(60)},${Array.from({ length: 20 }, (_, i) => `c${i}`).join()},path\n`,
      'has two columns "path"',
    ],
    [
      `${"x".repeat(60)},${Array.from({ length: 20 }, (_, i) => `c${i}`).join()}\n`,
      `has no column "path" (columns: ${"x".repeat(40)}…, c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, and 9 more)`,
    ],
    ["\n\n", "is empty, and a first line with path,label is needed"],
    [
      'path,label\n../x/1.png,a\n"../x/2.png,b\n../x/3.png,b\n',
      "line 3: the quotes of a cell that begins there are never closed",
    ],
    ['path,label\n"../x/\n1.png",a\n../x/2.png\n', "line 4 has 1 cells, the header has 2"],
    ["path,label\n../x/1.png,a\0b\n", "is no text in UTF-8, as a CSV file should be"],
    ["", "is empty, and a first line with path,label is needed"],
    ["path,label\n", "lists no pictures"],
    ["path,label\n../x/1.png\n", "line 2 has 1 cells, the header has 2"],
    ["path,label\n../x/1.png,\n", "line 2: ../x/1.png has no label"],
    ["path,label\n../x/1.png,a\n../x/../x/1.png,b\n", 'line 3: ../x/../x/1.png is in line 2 already, as "a"'],
    ["path,label\n../x/1.png,a\n../x/1.png,a\n", "line 3: ../x/1.png is in line 2 already"],
    ["path,label,split\n../x/1.png,a,dev\n", 'line 2: "dev" is no split; there are train, val, test'],
    ["path,label,split\n../x/1.png,a,\n", "line 2: ../x/1.png has no split"],
    ["path,label\n../x/1.png,a\n", 'there is only one class, "a", and at least two are needed'],
    ["path,label,split\n../x/1.png,a,test\n../x/2.png,b,test\n", "there are no pictures of train"],
    [
      "path,label,split\n../x/1.png,whole,train\n../x/2.png,broken,train\n../x/3.png,whole,test\n../x/4.png,brokn,test\n",
      'train has no picture of "brokn" (did you mean "broken" by "brokn", or the other way round?)',
    ],
  ])("says what is wrong with %j", async (text, message) => {
    write(text);
    expect(await thrown()).toBe(message);
  });

  test("names the files that are not there, by their lines", async () => {
    write(WHOLE, { files: false });
    writeFileSync(join(root, "x", "2.png"), "");
    expect((await thrown()).split("\n")).toEqual([
      "lists 3 files that are not there (paths are relative to its folder):",
      "  line 2: ../x/3.png",
      "  line 4: ../x/4.png",
      "  line 5: ../x/1.png",
    ]);
  });

  test("says of a listed folder that it is one, and of a path from Windows how it should be written", async () => {
    write("path,label\n../x,a\n../x/1.png,b\n");
    expect(await thrown()).toContain("  line 2: ../x is a folder");
    write("path,label\n..\\x\\1.png,a\n..\\x\\2.png,b\n");
    expect(await thrown()).toContain("not there (paths are relative to its folder, with / in place of \\):");
  });

  test("a pattern that tells no patient is refused where the column doesn't tell it either", async () => {
    write(WHOLE);
    const patientOf = (path: string): string | null => /(\d)\.jpg/.exec(path)?.[1] ?? null;
    expect(await thrown({ patientOf })).toBe("line 4: whose picture ../x/4.png is can't be told from its name");
  });
});
