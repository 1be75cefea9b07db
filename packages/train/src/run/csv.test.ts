import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CsvAppender, csvLine, parseCsv, parseCsvRecords, readCsv } from "./csv.ts";
import { predictionsCsv } from "./results.ts";

let folder = "";
let path = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fracture-csv-"));
  path = join(folder, "file.csv");
});
afterEach(() => rmSync(folder, { recursive: true }));

test("a line quotes what RFC 4180 says must be, and nothing else", () => {
  expect(csvLine(["plain", "with space", "a,b", 'say "x"', "two\nlines", null, true, 0.1 + 0.2])).toBe(
    'plain,with space,"a,b","say ""x""","two\nlines",,true,0.30000000000000004\n',
  );
});

test("whatever is written is read back", () => {
  const records = [
    ["a,b", '"', '""', "\n", "\r\n", "", 'ü,"\n'],
    ["", "x"],
  ];
  expect(parseCsv(records.map(csvLine).join(""))).toEqual(records);
});

test("a last line without its newline is left out", () => {
  expect(parseCsv("a,b\n1,2\n3,4")).toEqual([
    ["a", "b"],
    ["1", "2"],
  ]);
});

test("a quote within a cell is a character, and one that is never closed is told by its line", () => {
  expect(parseCsvRecords('a"b,c\n"d\ne",f\ng,h\n')).toEqual({
    records: [
      { cells: ['a"b', "c"], line: 1 },
      { cells: ["d\ne", "f"], line: 2 },
      { cells: ["g", "h"], line: 4 },
    ],
    open: null,
  });
  expect(parseCsvRecords('a;b\nc;"d\ne;f\n', ";")).toEqual({ records: [{ cells: ["a", "b"], line: 1 }], open: 2 });
});

describe("CsvAppender", () => {
  const open = (keep: (record: Record<"step" | "loss", string>) => boolean) =>
    CsvAppender.open(path, ["step", "loss"], keep);

  test("every line is in the file as soon as it is appended", async () => {
    const file = await open(() => true);
    file.append({ step: 1, loss: 0.5 });
    file.append({ step: 2, loss: NaN });
    expect(readFileSync(path, "utf8")).toBe("step,loss\n1,0.5\n2,NaN\n");
    file.close();
  });

  test("reopening drops the lines after the checkpoint and a torn one, and goes on", async () => {
    writeFileSync(path, "step,loss\n1,0.5\n2,0.4\n3,0.3\n");
    appendFileSync(path, "4,0.");
    const file = await open((record) => Number(record.step) <= 2);
    file.append({ step: 3, loss: 0.25 });
    file.close();
    expect(readFileSync(path, "utf8")).toBe("step,loss\n1,0.5\n2,0.4\n3,0.25\n");
  });

  test("refuses a file with other columns, naming them", async () => {
    writeFileSync(path, "step,error\n1,0.5\n");
    await expect(open(() => true)).rejects.toThrow(`${path}: has no column "loss" (columns: step, error)`);
  });

  test("a record with too few cells is refused, naming its line", () => {
    writeFileSync(path, "step,loss\n1,0.5\n2\n");
    expect(() => readCsv(path, ["step"])).toThrow(`${path}: line 3 has 1 cells, the header has 2`);
  });
});

describe("predictions.csv", () => {
  const table = {
    classes: ["fractured", "not fractured"],
    paths: ["test/fractured/a, b.png", "c.png"],
    labels: [0, 1],
    predicted: [0, 0],
    probabilities: [0.75, 0.25, 0.5, 0.5],
  };

  test("has a line an image with a probability a class", () => {
    expect(predictionsCsv(table)).toBe(
      "path,label,predicted,prob_fractured,prob_not fractured\n" +
        '"test/fractured/a, b.png",fractured,fractured,0.75,0.25\n' +
        "c.png,not fractured,fractured,0.5,0.5\n",
    );
  });

  test("refuses lengths that don't fit and classes that aren't there", () => {
    expect(() => predictionsCsv({ ...table, labels: [0] })).toThrow("2 paths and 2 classes, but 1 labels");
    expect(() => predictionsCsv({ ...table, labels: [0, 2] })).toThrow("there is no class 2 (2 classes)");
  });
});
