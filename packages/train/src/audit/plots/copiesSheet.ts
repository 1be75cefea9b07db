import { dirname, join } from "node:path";
import type { Picture } from "@fracture/resnet";
import sharp from "sharp";
import { decodeImage } from "../../data/decode.ts";
import { inParallel } from "../../data/inParallel.ts";
import { isManifest } from "../../data/manifest.ts";
import { contactSheet, type SheetCell, type SheetRow } from "../../evaluate/svg/contactSheet.ts";
import type { Svg } from "../../evaluate/svg/element.ts";
import type { CopyPair, DataAudit } from "../checkData.ts";
import { layPicture, SYMMETRY_NAMES, type Symmetry } from "../symmetry.ts";

/** Pixels of a picture on the sheet at the most. */
const SIDE = 240;
const MOST_ROWS = 16;
/** Pictures of one film in a set without splits. */
const MOST_MEMBERS = 4;
/** Pictures that are decoded at once. */
const AT_ONCE = 2;

/** A picture that a row of the sheet shows. */
interface Shown {
  readonly name: string;
  readonly laid: Symmetry;
  readonly caption: string;
}

interface ShownRow {
  readonly lines: readonly string[];
  readonly pictures: readonly Shown[];
}

/** What the sheet shows: copies across splits and with other labels, the least sure first; of a set without splits, films. */
export function copiesToShow({ leaks, contradictions, groups }: DataAudit): ShownRow[] {
  const across = leaks.flatMap(({ split, of, pairs }) =>
    pairs.map((pair) => ({ pair, a: split as string, b: of as string })),
  );
  const contradicting = contradictions.map((pair) => ({ pair, a: pair.classA, b: pair.classB }));
  const pairs = [...across, ...contradicting].sort((one, two) => doubt(one.pair) - doubt(two.pair));
  if (pairs.length > 0) return pairs.slice(0, MOST_ROWS).map(({ pair, a, b }) => pairRow(pair, a, b));
  return groups.slice(0, MOST_ROWS).map((group) => ({
    lines: [`${group[0]!} and ${group.length - 1} more`],
    pictures: group
      .slice(0, MOST_MEMBERS)
      .map((name) => ({ name, laid: 0 as const, caption: name.split("/").at(-1)! })),
  }));
}

/** The less, the more a pair needs a person's eye: equal pixels need none. */
const doubt = ({ kind, similarity }: CopyPair): number => (kind === "near" ? similarity : 2);

function pairRow({ a, b, kind, similarity, how }: CopyPair, whereA: string, whereB: string): ShownRow {
  const laid = Math.max(0, SYMMETRY_NAMES.indexOf(how)) as Symmetry;
  const same = { file: "the same file", pixels: "the same pixels", near: `similarity ${similarity.toFixed(3)}` };
  return {
    lines: [a, `=  ${b}   (${same[kind]})`],
    pictures: [
      { name: a, laid: 0, caption: whereA },
      ...(laid === 0 ? [] : [{ name: a, laid, caption: how }]),
      { name: b, laid: 0, caption: whereB },
    ],
  };
}

/** Copies side by side, so that a person can judge them; null where there are none. A file that can't be read any more leaves its place empty. */
export async function copiesSheet(audit: DataAudit): Promise<Svg | null> {
  const rows = copiesToShow(audit);
  if (rows.length === 0) return null;
  const base = isManifest(audit.root) ? dirname(audit.root) : audit.root;
  const drawn = rows.map((row) => ({ ...row, cells: Array.from<SheetCell>({ length: row.pictures.length }) }));
  const places = drawn.flatMap((row) => row.pictures.map((picture, i) => ({ row, picture, i })));
  await inParallel(places.length, AT_ONCE, async (at) => {
    const { row, picture, i } = places[at]!;
    row.cells[i] = await cellOf(join(base, picture.name), picture);
  });
  return contactSheet({
    title: "Copies, to be judged by eye",
    subtitle:
      audit.leaks.length > 0
        ? "the least sure first; one that lies differently is shown both ways"
        : "pictures of one film each",
    rows: drawn.map(({ lines, cells }): SheetRow => ({ lines, cells })),
    side: 150,
  });
}

async function cellOf(path: string, { laid, caption }: Shown): Promise<SheetCell> {
  const picture = await decodeImage(path, { channels: "grey" }).catch(() => null);
  if (!picture) return { png: null, width: SIDE, height: SIDE, caption };
  const { data, width, height } = layPicture(picture, laid);
  const scale = Math.min(1, SIDE / Math.max(width, height));
  const size = { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
  const png = await greyPng({ data, width, height, channels: 1 }, size);
  return { png, ...size, caption };
}

const greyPng = ({ data, width, height }: Picture, size: { width: number; height: number }): Promise<Uint8Array> =>
  sharp(data, { raw: { width, height, channels: 1 } })
    .resize({ ...size, fit: "fill" })
    .toColourspace("b-w")
    .png()
    .toBuffer();
