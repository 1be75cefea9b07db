import type { Interval } from "../evaluate/wilson.ts";

/** What stands where a figure is not defined. */
export const UNDEFINED = "undefined";

/** "0.753"; null and NaN are not defined. */
export const fixed = (value: number | null | undefined, digits = 3): string =>
  value === null || value === undefined || !Number.isFinite(value) ? UNDEFINED : value.toFixed(digits);

/** "0.688 to 0.807"; "none" where there is too little to say. */
export const range = (interval: Interval | null | undefined, digits = 3): string =>
  interval ? `${fixed(interval[0], digits)} to ${fixed(interval[1], digits)}` : "none";

/** "75.3%" */
export const percent = (share: number | null, digits = 1): string =>
  share === null || !Number.isFinite(share) ? UNDEFINED : `${(100 * share).toFixed(digits)}%`;

/** "1,304" */
export const count = (value: number): string =>
  Number.isFinite(value) ? value.toLocaleString("en-US", { maximumFractionDigits: 0 }) : UNDEFINED;

/** "1 image", "1,304 images" */
export const plural = (value: number, noun: string, nouns = `${noun}s`): string =>
  `${count(value)} ${value === 1 ? noun : nouns}`;

/** A number of any size in four digits at most: "0.0001", "1e-7", "224". */
export function short(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const rounded = Number(value.toPrecision(4));
  return Math.abs(rounded) < 1e-4 && rounded !== 0 ? rounded.toExponential() : String(rounded);
}

/** "38 s", "12 min", "1 h 05 min" */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return UNDEFINED;
  if (seconds < 90) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

/** "a", "a and b", "a, b and c" */
export const list = (items: readonly string[], last = "and"): string =>
  items.length < 2 ? (items[0] ?? "") : `${items.slice(0, -1).join(", ")} ${last} ${items.at(-1)}`;

/** “fractured”: a class, as running text names it. */
export const quoted = (name: string): string => `“${name}”`;
