/** The candidate that `name` is most likely a slip of; null where none is near. Case and separators count little. */
export function nearestSpelling(name: string, candidates: readonly string[]): string | null {
  let nearest: string | null = null;
  let least = Infinity;
  for (const candidate of candidates) {
    if (candidate === name) continue;
    const distance = editDistance(plain(name), plain(candidate));
    const allowed = Math.max(1, Math.floor(Math.min(name.length, candidate.length) / 3));
    if (distance <= allowed && distance < least) [nearest, least] = [candidate, distance];
  }
  return nearest;
}

const plain = (name: string): string =>
  name
    .normalize("NFC")
    .toLowerCase()
    .replace(/[\s_-]+/g, " ");

/** Insertions, deletions, replacements and swaps of neighbours that turn one into the other (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let [before, above]: number[][] = [[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = above![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swap = swapped ? before![j - 2]! + 1 : Infinity;
      row.push(Math.min(replace, above![j]! + 1, row[j - 1]! + 1, swap));
    }
    [before, above] = [above, row];
  }
  return above![b.length]!;
}
