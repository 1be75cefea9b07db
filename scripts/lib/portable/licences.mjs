import { LICENCE } from "./packages.mjs";

/** Texts of Debian's that a package's own SPDX identifier stands for, where the package brings no text. */
const TEXTS = {
  "Apache-2.0": ["Apache-2.0"],
  "MPL-2.0": ["MPL-2.0"],
  "LGPL-3.0-or-later": ["LGPL-3", "GPL-3"],
};

/** One line a component, and the files of `licences` that the lines name: { index, texts }. */
export function licenceIndex(packages, { node, debs }) {
  const texts = new Set(["GPL-2", "GPL-3", "LGPL-2.1"]); // that Debian's copyright files refer to
  const lines = packages.map(({ folder, manifest, files }) => {
    const own = files.filter((path) => LICENCE.test(path.split("/").at(-1)) && !/\.[cm]?js$/.test(path));
    const common = own.length > 0 ? [] : (TEXTS[manifest.license] ?? []);
    for (const name of common) texts.add(name);
    const where = [...own.map((path) => `${folder}/${path}`), ...common.map((name) => `licenses/common/${name}`)];
    return `${manifest.name} ${manifest.version}: ${manifest.license ?? "see its files"}. ${where.join(", ") || sourceOf(manifest)}`;
  });
  const index = [
    "What this archive bundles besides Fracture itself (MIT, LICENSE), and under which licence.",
    "",
    `Node.js ${node}: MIT, with parts under licences of their own. licenses/node/LICENSE`,
    `Debian's libraries in lib/ (${debs.join(", ")}): licenses/debian/. Their sources: https://sources.debian.org`,
    ...lines.toSorted(),
    "",
  ];
  return { index: index.join("\n"), texts: [...texts].toSorted() };
}

function sourceOf({ repository, homepage }) {
  const url = typeof repository === "string" ? repository : repository?.url;
  return `No text in the package; see ${url ?? homepage ?? "its page on npmjs.com"}`;
}
