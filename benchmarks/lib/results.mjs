// What a figure needs beside it, and where figures are kept.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../results/", import.meta.url));

/** The machine and the state of the checkout, at the start of a benchmark. */
export function describeRun() {
  const git = (...args) => execFileSync("git", args, { cwd: folder, encoding: "utf8" }).trim();
  mkdirSync(folder, { recursive: true });
  let commit = null;
  try {
    commit =
      git("rev-parse", "--short", "HEAD") + (git("status", "--porcelain", "--", "../../packages") ? "-dirty" : "");
  } catch {
    // not a clone: the date has to do
  }
  return {
    date: new Date().toISOString(),
    commit,
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memory_gib: Math.round(totalmem() / 2 ** 30),
    // Above zero at the start, others were at work: then only the ratios and the processors' time mean something.
    load_average_1min: loadavg()[0],
  };
}

/** Writes results/<date>-<adapter>-<benchmark>.json and tells where. */
export function writeResults(benchmark, adapter, results) {
  const slug = adapter.device
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "");
  const file = `${folder}${results.date.slice(0, 10)}-${slug}-${benchmark}.json`;
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
  console.log(`\nwritten to ${relative(process.cwd(), file)}`);
}
