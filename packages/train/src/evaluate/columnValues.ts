/** Numbers of more values are divided into quartiles. */
const MOST_NUMBERS = 6;
/** Of pictures whose cell is empty. */
export const NO_VALUE = "(no value)";

export interface Value {
  readonly value: string;
  /** Indices of pictures. */
  readonly members: readonly number[];
}

/** The values of a column, each with its pictures. */
export function valuesOf(cells: readonly string[]): Value[] {
  const given = cells.flatMap((cell, i) => (cell === "" ? [] : [i]));
  const missing = cells.flatMap((cell, i) => (cell === "" ? [i] : []));
  const numbers = given.map((i) => Number(cells[i]));
  const numeric = numbers.every(Number.isFinite) && new Set(numbers).size > MOST_NUMBERS;
  const found = numeric ? quartersOf(given, numbers) : kindsOf(given, cells);
  return missing.length === 0 || given.length === 0 ? found : [...found, { value: NO_VALUE, members: missing }];
}

function kindsOf(given: readonly number[], cells: readonly string[]): Value[] {
  const kinds = new Map<string, number[]>();
  for (const i of given) put(kinds, cells[i]!, i);
  const numeric = [...kinds.keys()].every((kind) => Number.isFinite(Number(kind)));
  return Array.from(kinds, ([value, members]) => ({ value, members })).sort((a, b) =>
    numeric ? Number(a.value) - Number(b.value) : a.value < b.value ? -1 : 1,
  );
}

/** Adds to the list of a key. */
function put<K>(lists: Map<K, number[]>, key: K, value: number): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

/** Four parts of about as many pictures each; equal numbers don't part. */
function quartersOf(given: readonly number[], numbers: readonly number[]): Value[] {
  const sorted = numbers.toSorted((a, b) => a - b);
  const ends = [1, 2, 3].map((quarter) => sorted[Math.ceil((quarter * sorted.length) / 4) - 1]!);
  const quarterOf = (x: number): number => ends.findIndex((end) => x <= end);
  const parts = new Map<number, number[]>();
  numbers.forEach((x, i) => {
    const quarter = quarterOf(x);
    put(parts, quarter === -1 ? ends.length : quarter, i);
  });
  return [...parts.entries()]
    .sort(([a], [b]) => a - b)
    .map(([, places]) => {
      const held = places.map((i) => numbers[i]!);
      const low = held.reduce((a, b) => Math.min(a, b));
      const high = held.reduce((a, b) => Math.max(a, b));
      return { value: low === high ? `${low}` : `${low} to ${high}`, members: places.map((i) => given[i]!) };
    });
}
