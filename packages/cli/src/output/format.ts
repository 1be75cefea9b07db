/** "41.3", "1,304": few digits, but never fewer than the number's integer part. */
export function formatNumber(value: number, digits = 3): string {
  if (!Number.isFinite(value) || value === 0) return String(value);
  if (Math.abs(value) < 1e-3) return value.toExponential(1);
  const integerDigits = Math.max(1, Math.floor(Math.log10(Math.abs(value))) + 1);
  const fixed = value.toFixed(Math.max(0, digits - integerDigits));
  const [integer, fraction] = fixed.split(".");
  return fraction === undefined ? formatCount(Number(integer)) : `${formatCount(Number(integer))}.${fraction}`;
}

/** "1,304" */
export const formatCount = (count: number): string => String(count).replace(/\B(?=(\d{3})+$)/g, ",");

/** "1.5 GiB" */
export function formatBytes(bytes: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : formatNumber(value)} ${units[unit]}`;
}

/** "8 s", "3 min 20 s", "2 h 05 min" */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "?";
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const two = (n: number): string => String(n).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}

/** "1 file", "12 files", "2 classes" */
export const plural = (count: number, noun: string, nouns = `${noun}s`): string =>
  `${formatCount(count)} ${count === 1 ? noun : nouns}`;

/** An interval's ends, as figures between 0 and 1 are shown: "0.123 to 0.456"; nothing where there is none. */
export const formatInterval = (interval: readonly [low: number, high: number] | null | undefined): string =>
  interval ? interval.map((end) => end.toFixed(3)).join(" to ") : "";

/** Text from a file, as a terminal may show it: without the control characters that would steer it. */
export const printable = (text: string): string =>
  text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (c) => `\\u{${c.codePointAt(0)!.toString(16)}}`);

const COMBINING = /\p{M}/u;
const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

/** Columns of a terminal that text takes: two for a character of East Asia or an emoji, none for a mark that combines. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text) columns += COMBINING.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return columns;
}
