import { dirname, join } from "node:path";
import { inParallel } from "../data/inParallel.ts";
import type { HardPicture } from "../evaluate/hardest.ts";
import { readExplanations } from "../explain/explanations.ts";
import { embedOverlay, embedPicture, within } from "./pictures.ts";
import type { EmbeddedPicture, EvaluatedPart, ShownPicture, ShownPictures } from "./report.ts";

/** Of each kind: a page or two of print. */
const SHOWN = { worstMistakes: 12, leastCertain: 8, surest: 8 } as const;
/** Decoded at once. */
const TOGETHER = 4;

export interface ShownPicturesOptions {
  /** Where `explanations.json` is. */
  readonly results: string;
  /** The data folder, which names are told without. */
  readonly root: string | null;
  readonly channels: "grey" | "rgb";
  /** False: names and figures alone. */
  readonly embed: boolean;
  readonly note: (line: string) => void;
}

type Look = Pick<ShownPicture, "plain" | "overlay" | "missing">;

/**
 * The pictures to look at first, each film or patient once, with a heat map where the run has one, else as they are in the data
 * folder, where they still are.
 */
export async function shownPictures(
  part: Pick<EvaluatedPart, "hardest" | "groupOf"> | null,
  { results, root, channels, embed, note }: ShownPicturesOptions,
): Promise<ShownPictures> {
  if (!part?.hardest) return { worstMistakes: [], leastCertain: [], surest: [] };
  const { hardest, groupOf } = part;
  const { files: explained, surest } = explainedIn(join(results, "explanations.json"), note);
  const looks = new Map<string, Promise<Look>>();
  const look = async (path: string): Promise<Look> => {
    if (!embed) return { plain: null, overlay: null, missing: "left out" };
    const files = explained.get(path);
    const overlay = files?.overlay ? await quietly(embedOverlay(files.overlay)) : null;
    const plain = files?.plain ? await quietly(embedOverlay(files.plain)) : null;
    const there = plain ?? (await quietly(embedPicture(path, channels)));
    return { plain: there, overlay, missing: there ? null : "can’t be read any more" };
  };
  const show = async (pictures: readonly HardPicture[], most: number): Promise<ShownPicture[]> => {
    const some = oncePerGroup(pictures, groupOf, most);
    const shown: ShownPicture[] = [];
    await inParallel(some.length, TOGETHER, async (i) => {
      const { picture, alike } = some[i]!;
      const seen = looks.get(picture.path) ?? look(picture.path);
      looks.set(picture.path, seen);
      const { path, label, predicted, probability } = picture;
      shown[i] = { path, label, predicted, probability, name: nameOf(picture.path, root), alike, ...(await seen) };
    });
    return shown;
  };
  return {
    worstMistakes: await show(hardest.worstMistakes, SHOWN.worstMistakes),
    leastCertain: await show(hardest.leastCertain, SHOWN.leastCertain),
    surest: await show(surest, SHOWN.surest),
  };
}

/** The first picture of each group, with how many of its group stand before the last that is shown. */
function oncePerGroup(pictures: readonly HardPicture[], groupOf: ReadonlyMap<string, string>, most: number) {
  const shown = new Map<string, { picture: HardPicture; alike: number }>();
  for (const picture of pictures) {
    const group = groupOf.get(picture.path) ?? picture.path;
    const first = shown.get(group);
    if (first) first.alike += 1;
    else if (shown.size < most) shown.set(group, { picture, alike: 0 });
    else break;
  }
  return [...shown.values()];
}

interface ExplainedFiles {
  /** Null where its name leads out of the folder. */
  readonly overlay: string | null;
  readonly plain: string | null;
}

interface Explained {
  /** By the picture's path. */
  readonly files: ReadonlyMap<string, ExplainedFiles>;
  readonly surest: readonly HardPicture[];
}

function explainedIn(path: string, note: (line: string) => void): Explained {
  try {
    const folder = dirname(path);
    const pictures = readExplanations(path)?.pictures ?? [];
    const files = new Map(
      pictures.map(({ path: picture, overlay, plain }) => [
        picture,
        { overlay: within(folder, overlay), plain: within(folder, plain) },
      ]),
    );
    return { files, surest: pictures.filter(({ kind }) => kind === "sure") };
  } catch (error) {
    note(error instanceof Error ? error.message : String(error));
    return { files: new Map(), surest: [] };
  }
}

const quietly = (work: Promise<EmbeddedPicture>): Promise<EmbeddedPicture | null> => work.catch(() => null);

/** A path without the data folder in front of it, with "/". */
export function nameOf(path: string, root: string | null): string {
  const [long, short] = [path, root ?? ""].map((text) => text.replaceAll("\\", "/").replace(/\/$/, ""));
  return short && long!.startsWith(`${short}/`) ? long!.slice(short.length + 1) : long!;
}
