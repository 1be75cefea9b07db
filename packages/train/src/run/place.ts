import { realpath } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";

/** Where a path leads, whatever links are on the way, though the end of it is not there yet. */
export async function realPlace(path: string): Promise<string> {
  const whole = resolve(path);
  const found = await realpath(whole).catch(() => null);
  if (found !== null) return found;
  const above = dirname(whole);
  return above === whole ? whole : join(await realPlace(above), basename(whole));
}

/** Whether a place is a folder, or lies in it; both as `realPlace` gives them. */
export function liesIn(place: string, folder: string): boolean {
  const below = relative(folder, place);
  return !isAbsolute(below) && below.split(sep)[0] !== "..";
}
