// How many pairs of a set's own pictures of one film are found however they are turned, and how many of different films are taken for one.
//
//     node scripts/turned-duplicates.mjs FOLDER [--film REGEX]
//
// Films are told by class and by the pattern's group in the file's name. Pairs of different names are listed, to be looked at.
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { fingerprintOf, nearPairs, readAuditedSet, turnedPairs } from "../packages/train/dist/index.js";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { film: { type: "string", default: "^([^_]+)__" } },
});

const set = await readAuditedSet(positionals[0]);
const pattern = new RegExp(values.film, "u");
const films = set.files.map(
  ({ name, label }) => `${set.classes[label]}/${pattern.exec(name.split("/").at(-1))?.[1] ?? name}`,
);
const prints = [];
for (const { path } of set.files) prints.push(await fingerprintOf(await readFile(path), path));

const pairsOf = (count) => (count * (count - 1)) / 2;
const sizes = new Map();
for (const film of films) sizes.set(film, (sizes.get(film) ?? 0) + 1);
const same = [...sizes.values()].reduce((sum, count) => sum + pairsOf(count), 0);
const different = pairsOf(films.length) - same;
console.log(
  `${films.length} pictures of ${sizes.size} films: ${same} pairs of one film, ${different} of different ones`,
);

const searches = { "lying alike, or turned by 90 degrees": nearPairs, "turned by any angle": turnedPairs };
for (const [what, search] of Object.entries(searches)) {
  const started = performance.now();
  const pairs = await search(prints);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const found = pairs.filter(({ a, b }) => films[a] === films[b]).length;
  console.log(`${what} (${seconds} s): found ${found} of ${same}; of different names ${pairs.length - found}`);
  const names = new Map();
  for (const { a, b, similarity } of pairs) {
    if (films[a] === films[b]) continue;
    const key = [films[a], films[b]].sort().join(" and ");
    names.set(key, Math.max(similarity, names.get(key) ?? 0));
  }
  for (const [key, similarity] of names) console.log(`  ${key} (${similarity.toFixed(3)})`);
}
