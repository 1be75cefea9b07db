import { mkdir, symlink } from "node:fs/promises";
import { extname, join, resolve } from "node:path";
import { readDataFolder, writePhantomSet } from "@fracture/train";
import { InputError } from "../exitCodes.ts";
import { plural } from "../output/format.ts";
import type { Progress } from "../output/progress.ts";

/** Pictures of phantoms are at least so large, as `data phantom` draws them. */
const PHANTOM_SIZE = 256;

/** Pictures to measure with. */
export interface BenchPictures {
  /** A folder with nothing but a training split of exactly so many pictures. */
  readonly folder: string;
  readonly paths: readonly string[];
  /** What they are, for people. */
  readonly what: string;
  readonly classes: number;
}

/** Pictures of a data folder, each with its class. */
export type FoundPictures = readonly { readonly path: string; readonly class: string }[];

/**
 * The first `count` training pictures of a data folder, each class in its turn.
 *
 * @throws InputError where there are fewer; DataFolderError
 */
export async function findPictures(data: string, count: number): Promise<FoundPictures> {
  const { splits, classes } = await readDataFolder(data);
  const { paths, labels } = splits.train!;
  if (paths.length < count)
    throw new InputError(
      `${data}: it has ${plural(paths.length, "picture")} to train on, and ${count} (batch size x steps) are to be measured with`,
    );
  const byClass = classes.map((name, label) =>
    paths.filter((_, i) => labels[i] === label).map((path) => ({ path, class: name })),
  );
  const longest = Math.max(...byClass.map(({ length }) => length));
  const inTurn = Array.from({ length: longest }, (_, i) => byClass.flatMap((files) => files[i] ?? [])).flat();
  return inTurn.slice(0, count);
}

/** Links to pictures, in a folder that is made. */
export async function linkPictures(folder: string, pictures: FoundPictures, data: string): Promise<BenchPictures> {
  for (const [i, { path, class: name }] of pictures.entries()) {
    const target = join(folder, "train", name);
    await mkdir(target, { recursive: true });
    await symlink(resolve(path), join(target, `${i}${extname(path)}`));
  }
  return described(folder, `pictures of ${data}`);
}

/** Phantoms, drawn into a folder that is made. */
export async function drawPictures(
  folder: string,
  { count, size }: { readonly count: number; readonly size: number },
  { signal, progress }: { readonly signal: AbortSignal; readonly progress: Progress },
): Promise<BenchPictures> {
  const drawn = Math.max(size, PHANTOM_SIZE);
  await writePhantomSet(folder, {
    train: count,
    val: 0,
    test: 0,
    size: drawn,
    signal,
    onProgress: ({ done, total }) => progress.update(`drawing phantom ${done} of ${total}`),
  });
  return described(folder, `phantoms of ${drawn} x ${drawn}`);
}

async function described(folder: string, what: string): Promise<BenchPictures> {
  const { splits, classes } = await readDataFolder(folder);
  return { folder, paths: splits.train!.paths, what, classes: classes.length };
}
