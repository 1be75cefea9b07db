import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Sink } from "../io.ts";
import { formatBytes, formatDuration, formatNumber, plural, printable } from "./format.ts";
import { Progress } from "./progress.ts";
import { Rate, Transfer } from "./rate.ts";
import { formatPairs, formatTable } from "./table.ts";

describe("numbers for people", () => {
  it.each([
    [0, "0"],
    [0.00012, "1.2e-4"],
    [0.0456, "0.05"],
    [3.14159, "3.14"],
    [41.27, "41.3"],
    [779.4, "779"],
    [1304.2, "1,304"],
    [1234567, "1,234,567"],
    [NaN, "NaN"],
  ])("%d is shown as %s", (value, text) => expect(formatNumber(value)).toBe(text));

  it.each([
    [12, "12 bytes"],
    [2048, "2.00 KiB"],
    [46_800_000, "44.6 MiB"],
    [4 * 2 ** 30, "4.00 GiB"],
  ])("%d bytes are shown as %s", (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it.each([
    [7.6, "8 s"],
    [59.7, "1 min 00 s"],
    [200, "3 min 20 s"],
    [7505, "2 h 05 min"],
    [Infinity, "?"],
  ])("%d seconds are shown as %s", (seconds, text) => expect(formatDuration(seconds)).toBe(text));

  it("one is singular", () => {
    expect([plural(1, "file"), plural(1304, "file"), plural(2, "class", "classes")]).toEqual([
      "1 file",
      "1,304 files",
      "2 classes",
    ]);
  });
});

describe("tables", () => {
  it("numbers are set to the right, and no line ends with blanks", () => {
    const rows = [
      { name: "a", ms: "7" },
      { name: "longer", ms: "1,200" },
    ];
    const table = formatTable(rows, [
      { title: "name", cell: ({ name }) => name },
      { title: "ms", cell: ({ ms }) => ms, align: "right" },
      { title: "", cell: () => "" },
    ]);
    expect(table).toBe("name       ms\na           7\nlonger  1,200\n");
  });

  it("columns stay straight beside wide characters and marks that combine", () => {
    const table = formatTable(
      ["骨折", "u\u0308", "a"],
      [
        { title: "class", cell: (name) => name },
        { title: "n", cell: () => "1" },
      ],
    );
    expect(table).toBe("class  n\n骨折   1\nu\u0308      1\na      1\n");
  });

  it("control characters of a file's names don't reach the terminal", () => {
    expect(printable("a\u001b[2Jb\u202ec\n")).toBe("a\\u{1b}[2Jb\\u{202e}c\\u{a}");
    expect(formatPairs([["na\u0007me", "va\u009blue"]])).toBe("  na\\u{7}me  va\\u{9b}lue\n");
  });
});

describe("progress", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const sink = (isTTY: boolean): Sink & { text: string } => ({
    text: "",
    isTTY,
    columns: 20,
    write(part) {
      this.text += part;
    },
  });

  it("a terminal has one line, which is overwritten, cut to its width, and taken away at the end", () => {
    const out = sink(true);
    const progress = new Progress(out);
    progress.update("one");
    progress.update("too soon");
    vi.advanceTimersByTime(150);
    progress.update("a line that is longer than the terminal");
    progress.line("epoch 1");
    progress.clear();
    expect(out.text).toBe("\r\u001b[2Kone\r\u001b[2Ka line that is lon…\r\u001b[2Kepoch 1\n");
  });

  it("elsewhere a line comes every ten seconds, none for work that is shorter", () => {
    const out = sink(false);
    const progress = new Progress(out);
    for (let second = 0; second <= 25; second++) {
      progress.update(`second ${second}`);
      vi.advanceTimersByTime(1000);
    }
    progress.line("done");
    expect(out.text).toBe("second 10\nsecond 20\ndone\n");
  });

  it("a rate says how fast it goes and how long it takes", () => {
    const rate = new Rate("pictures");
    vi.advanceTimersByTime(4000);
    expect(rate.text(120, 240)).toBe("120/240 pictures, 30.0/s, 4 s left");
  });

  it("a transfer that goes on from an earlier one counts only what came now", () => {
    const transfer = new Transfer();
    expect(transfer.text(50 * 2 ** 20, 100 * 2 ** 20)).toBe("50.0 MiB of 100 MiB");
    vi.advanceTimersByTime(5000);
    expect(transfer.text(75 * 2 ** 20, 100 * 2 ** 20)).toBe("75.0 MiB of 100 MiB, 5.00 MiB/s, 5 s left");
    expect(transfer.text(75 * 2 ** 20, null)).toBe("75.0 MiB, 5.00 MiB/s");
  });
});
