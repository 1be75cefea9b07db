import { open, readdir, realpath, stat } from "node:fs/promises";
import { extname, join, sep } from "node:path";
import { SNIFFED_BYTES, sniffImage } from "./imageFormat.ts";

/** Python's order of strings, by code points; JavaScript's own is by UTF-16 units. */
export function compareCodePoints(a: string, b: string): number {
  const end = Math.min(a.length, b.length);
  for (let i = 0; i < end; i++) {
    const [left, right] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** Surrogates, which stand for code points beyond 0xffff, go after the rest. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit;
}

export interface FolderEntries {
  readonly folders: readonly string[];
  readonly files: readonly string[];
}

/** What an operating system or a NAS leaves in folders; thumbnails among it. */
const LITTER = new Set(["__macosx", "@eadir", "thumbs.db", "desktop.ini"]);

/** Names in a folder, sorted; what symbolic links lead to counts, and broken ones count as files. Hidden names don't. */
export async function entriesOf(folder: string): Promise<FolderEntries> {
  const folders: string[] = [];
  const files: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.name.startsWith(".") || LITTER.has(entry.name.toLowerCase())) continue;
    const target = entry.isSymbolicLink() ? await stat(join(folder, entry.name)).catch(() => entry) : entry;
    (target.isDirectory() ? folders : files).push(entry.name);
  }
  return { folders: folders.sort(compareCodePoints), files: files.sort(compareCodePoints) };
}

export interface ImageListing {
  /** Relative to the folder, with "/", in torchvision's order: by folder, then by name. */
  readonly images: readonly string[];
  /** Files that are no pictures, by name and content. */
  readonly others: readonly string[];
}

/**
 * Pictures in a folder and in all those below it, as torchvision's ImageFolder finds them, and some more: a file counts by
 * its extension (one that then turns out unreadable is to be reported, not passed over), or else by its content.
 */
export async function listImages(folder: string): Promise<ImageListing> {
  const images: string[] = [];
  const others: string[] = [];
  for (const { path, files } of (await walk(folder, "", [])).sort((a, b) => compareCodePoints(a.path, b.path))) {
    for (const file of files) {
      const relative = path === "" ? file : `${path}/${file}`;
      ((await isImage(join(folder, relative))) ? images : others).push(relative);
    }
  }
  return { images, others };
}

interface Walked {
  readonly path: string;
  readonly files: readonly string[];
}

/** A link to a folder that encloses it is not followed: it would have no end. */
async function walk(root: string, path: string, enclosing: readonly string[]): Promise<Walked[]> {
  const real = await realpath(join(root, path));
  if (enclosing.some((outer) => `${outer}${sep}`.startsWith(`${real}${sep}`))) return [];
  const { folders, files } = await entriesOf(join(root, path));
  const below: Walked[] = [{ path, files }];
  for (const name of folders) {
    below.push(...(await walk(root, path === "" ? name : `${path}/${name}`, [...enclosing, real])));
  }
  return below;
}

/** Of pictures, read here or not. */
const EXTENSIONS = new Set(
  ".jpg .jpeg .jpe .jfif .png .webp .tif .tiff .gif .bmp .dib .dcm .dicom .heic .heif .avif .jp2 .j2k .jxl".split(" "),
);

async function isImage(path: string): Promise<boolean> {
  if (EXTENSIONS.has(extname(path).toLowerCase())) return true;
  if (!(await stat(path).catch(() => null))?.isFile()) return false;
  const file = await open(path).catch(() => null);
  if (!file) return false;
  try {
    const head = Buffer.alloc(SNIFFED_BYTES);
    const { bytesRead } = await file.read(head, 0, SNIFFED_BYTES, 0);
    const sniffed = sniffImage(head.subarray(0, bytesRead));
    return sniffed.format !== null || sniffed.picture;
  } finally {
    await file.close();
  }
}
