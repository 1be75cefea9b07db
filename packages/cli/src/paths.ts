import { existsSync } from "node:fs";
import { isAbsolute } from "node:path";
import { glob } from "tinyglobby";
import { InputError } from "./exitCodes.ts";
import type { Io } from "./io.ts";

/**
 * `expandPaths`, and for "-" the paths that standard input lists, a line each, as they come. A pattern that matches nothing is found before
 * the first path is given.
 */
export async function* givenPaths(
  paths: readonly string[],
  stdin: Io["stdin"],
): AsyncGenerator<string, void, undefined> {
  const expanded = await Promise.all(paths.map(async (path) => (path === "-" ? null : expandPaths([path]))));
  for (const found of expanded) {
    if (found) yield* found;
    else for await (const line of stdin()) yield* line === "" ? [] : [line];
  }
}

/**
 * The files and folders that arguments name. One that exists is taken as it is, whatever characters are in its name; another
 * one with *, ?, [ or { is a pattern, whose matches come in sorted order. Throws an InputError where a pattern matches nothing.
 */
export async function expandPaths(paths: readonly string[]): Promise<string[]> {
  const expanded = await Promise.all(
    paths.map(async (path) => {
      if (!/[*?[{]/.test(path) || existsSync(path)) return [path];
      // On Windows "\" stands between folders, and patterns are written with "/".
      const pattern = process.platform === "win32" ? path.replaceAll("\\", "/") : path;
      const found = await glob(pattern, { expandDirectories: false, absolute: isAbsolute(path) });
      if (found.length === 0) throw new InputError(`${path}: no file matches`);
      return found.toSorted();
    }),
  );
  return expanded.flat();
}
