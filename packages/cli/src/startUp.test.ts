import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";

/** `import "x"` and `import ... from "x"`, `export ... from "x"`; not those of types alone, which are erased. */
const STATIC_IMPORT = /^(?:import|export) (?!type )(?:[^;"]*? from )?"([^"]+)"/gm;

/** Other packages that are loaded with a source file of ours, before anything is asked for. */
function loadedWith(file: string, seen = new Set<string>()): string[] {
  if (seen.has(file)) return [];
  seen.add(file);
  return [...readFileSync(file, "utf8").matchAll(STATIC_IMPORT)].flatMap(([, name = ""]) =>
    name.startsWith(".") ? loadedWith(join(dirname(file), name), seen) : [name],
  );
}

it("what a command needs is loaded when it runs: the start loads neither the training package nor schemas", () => {
  const loaded = new Set(loadedWith(join(import.meta.dirname, "main.ts")).filter((name) => !name.startsWith("node:")));
  expect([...loaded].toSorted()).toEqual(["@fracture/resnet", "commander", "tinyglobby"]);
});
