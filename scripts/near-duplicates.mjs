// How many copies of a film the near-duplicate search finds, and how often it takes two films for one.
//
//     node scripts/near-duplicates.mjs FOLDER [--film REGEX]
//
// Of each film of a data folder one picture is taken (films are told by class and by the pattern's group in the file's name), and copies of it are
// made as below. All of them are then searched together. Pairs of different names are listed, to be looked at.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { parseArgs } from "node:util";
import { fingerprintOf, nearPairs, readAuditedSet, turnedPairs } from "../packages/train/dist/index.js";

// As the train package has it.
const sharp = createRequire(new URL("../packages/train/package.json", import.meta.url))("sharp");

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { film: { type: "string", default: "^([^_]+)__" } },
});

const resize = (image, size) => image.resize(Math.round(size.width * 0.7), Math.round(size.height * 0.7));
const CHANGES = {
  "turned by 90 degrees": (image) => image.rotate(90).png(),
  "turned by 180 degrees": (image) => image.rotate(180).png(),
  "turned by 270 degrees": (image) => image.rotate(270).png(),
  mirrored: (image) => image.flop().png(),
  "upside down": (image) => image.flip().png(),
  "resized to 70%": (image, size) => resize(image, size).png(),
  "JPEG of quality 40": (image) => image.jpeg({ quality: 40 }),
  "brightness x 0.6": (image) => image.linear(0.6, 0).png(),
  "brightness x 1.4, cut at white": (image) => image.linear(1.4, 0).png(),
  "all at once": (image, size) => resize(image.rotate(90).flop(), size).linear(0.7, 0).jpeg({ quality: 40 }),
};

const set = await readAuditedSet(positionals[0]);
const pattern = new RegExp(values.film, "u");
const films = new Map();
for (const { path, name, label } of set.files) {
  const key = `${set.classes[label]}/${pattern.exec(name.split("/").at(-1))?.[1] ?? name}`;
  if (!films.has(key)) films.set(key, path);
}

const pictures = [];
for (const [film, path] of films) {
  const original = await sharp(await readFile(path))
    .greyscale()
    .png()
    .toBuffer();
  const size = await sharp(original).metadata();
  pictures.push({ film, change: null, print: await fingerprintOf(original, path) });
  for (const [change, make] of Object.entries(CHANGES))
    pictures.push({ film, change, print: await fingerprintOf(await make(sharp(original), size).toBuffer(), path) });
}

const started = performance.now();
const pairs = await nearPairs(pictures.map(({ print }) => print));
const seconds = (performance.now() - started) / 1000;

const all = (pictures.length * (pictures.length - 1)) / 2;
const perFilm = pictures.length / films.size;
const different = all - (films.size * perFilm * (perFilm - 1)) / 2;
console.log(`${films.size} films, ${pictures.length} pictures, ${all} pairs searched in ${seconds.toFixed(2)} s`);
const found = pairs.filter(({ a, b }) => pictures[a].film === pictures[b].film);
for (const change of Object.keys(CHANGES)) {
  const hits = found.filter(({ a, b }) => pictures[a].change === null && pictures[b].change === change).length;
  console.log(`${change.padEnd(32)} found ${hits} of ${films.size}`);
}
const copies = (films.size * perFilm * (perFilm - 1)) / 2;
console.log(
  `pairs of one film, both changed too: found ${found.length} of ${copies}, recall ${(found.length / copies).toFixed(4)}`,
);
const alarms = pairs.filter(({ a, b }) => pictures[a].film !== pictures[b].film);
console.log(
  `pairs of different names: ${alarms.length} of ${different}, ${((1000 * alarms.length) / different).toFixed(4)} in 1,000`,
);
const names = new Map();
for (const { a, b, similarity } of alarms) {
  const key = `${pictures[a].film} and ${pictures[b].film}`;
  names.set(key, Math.max(similarity, names.get(key) ?? 0));
}
for (const [key, similarity] of names) console.log(`  ${key} (${similarity.toFixed(3)})`);

// At every angle different films have more chances to be alike.
const prints = pictures.map(({ print }) => print);
const turned = (await turnedPairs(prints)).filter(({ a, b }) => pictures[a].film !== pictures[b].film);
console.log(`turned by any angle, pairs of different names: ${turned.length} of ${different}`);
for (const key of new Set(turned.map(({ a, b }) => `${pictures[a].film} and ${pictures[b].film}`)))
  console.log(`  ${key}`);
