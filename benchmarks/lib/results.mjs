// What a figure needs beside it, and where figures are kept.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const kept = fileURLToPath(new URL("../results/", import.meta.url));
const packed = fileURLToPath(new URL("../../portable.json", import.meta.url));

/** The machine and the state of the checkout, or of the portable archive, at the start of a benchmark. */
export function describeRun() {
  return {
    date: new Date().toISOString(),
    commit: commit(),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memory_gib: Math.round(totalmem() / 2 ** 30),
    // Above zero at the start, others were at work: then only the ratios and the processors' time mean something.
    load_average_1min: loadavg()[0],
  };
}

function commit() {
  if (existsSync(packed)) return JSON.parse(readFileSync(packed, "utf8")).commit;
  const cwd = fileURLToPath(new URL("..", import.meta.url));
  const git = (...args) => execFileSync("git", args, { cwd, encoding: "utf8", stdio: "pipe" }).trim();
  try {
    return git("rev-parse", "--short", "HEAD") + (git("status", "--porcelain", "--", "../packages") ? "-dirty" : "");
  } catch {
    return null; // not a clone: the date has to do
  }
}

/** Writes <date>-<adapter>-<benchmark>.json into benchmarks/results or `folder`, and tells where. */
export function writeResults(benchmark, adapter, results, { folder = kept, quiet = false } = {}) {
  const slug = adapter.device
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${results.date.slice(0, 10)}-${slug}-${benchmark}.json`);
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
  if (!quiet) console.log(`\nwritten to ${relative(process.cwd(), file)}`);
}
