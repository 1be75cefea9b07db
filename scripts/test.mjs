// `npm test [-- FILTER...]`: installs what is missing, runs every check and every test, and ends with the line
// "N passed, N failed", which counts tests. Exit code 0 only where everything passed. A test that had no GPU to run on has failed.
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { runChecks } from "./lib/checks.mjs";
import { chooseDevice } from "./lib/device.mjs";
import { ensureInstalled, tool } from "./lib/install.mjs";
import { run } from "./lib/run.mjs";
import { main, root, say, SetupError, stamps } from "./lib/workspace.mjs";

await main(async () => {
  await ensureInstalled();
  const checks = await runChecks();
  if (checks !== 0) say("the checks failed: see above. The tests run all the same.");

  const counts = join(stamps, "test-counts.json");
  mkdirSync(stamps, { recursive: true });
  rmSync(counts, { force: true });
  const { node, env } = await deviceOrNone();
  const reporters = ["--reporter=default", `--reporter=${join(root, "scripts", "lib", "countReporter.mjs")}`];
  const tests = await run(node, [tool("vitest", "vitest"), "run", ...reporters, ...process.argv.slice(2)], {
    env: { ...env, FRACTURE_REQUIRE_GPU: "1", FRACTURE_TEST_COUNTS: counts },
  });

  const ended = existsSync(counts) ? JSON.parse(readFileSync(counts, "utf8")) : { passed: 0, failed: 1, skipped: 0 };
  const failed = ended.failed || (tests === 0 ? 0 : 1); // what broke outside any test counts as one
  if (checks !== 0) say("the checks failed");
  process.stdout.write(
    `\n${ended.passed} passed, ${failed} failed${ended.skipped ? `, ${ended.skipped} skipped` : ""}\n`,
  );
  return checks || tests || (failed ? 1 : 0);
});

async function deviceOrNone() {
  try {
    return await chooseDevice();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(error.message);
    return { node: process.execPath, env: {} };
  }
}
