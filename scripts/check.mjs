// `npm run check`: types, lint, format, import cycles and directions.
import { runChecks } from "./lib/checks.mjs";
import { ensureInstalled } from "./lib/install.mjs";
import { main } from "./lib/workspace.mjs";

await main(async () => {
  await ensureInstalled();
  return runChecks();
});
