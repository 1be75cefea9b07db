import sharp from "sharp";
import { contactSheet, type SheetCell } from "../evaluate/svg/contactSheet.ts";
import type { Svg } from "../evaluate/svg/element.ts";
import { csvLine } from "../run/csv.ts";
import type { AugmentedSample } from "./augmentedSamples.ts";

/** Pixels of a picture in the file at the most: it is shown smaller. */
const SIDE = 224;

/** A row a picture: as it is, and as training sees it in its first epochs. */
export async function augmentationSheet(
  samples: readonly AugmentedSample[],
  { size, name, seed }: { readonly size: number; readonly name: (path: string) => string; readonly seed: number },
): Promise<Svg> {
  const cell = async (pixels: Uint8Array, caption: string): Promise<SheetCell> => {
    const side = Math.min(SIDE, size);
    const image = sharp(pixels, { raw: { width: size, height: size, channels: 3 } }).resize(side, side);
    return { png: await image.png({ palette: false }).toBuffer(), width: side, height: side, caption };
  };
  const rows = [];
  for (const { path, plain, draws } of samples)
    rows.push({
      lines: [name(path)],
      cells: [
        await cell(plain, "as it is"),
        ...(await Promise.all(draws.map(({ epoch, pixels }) => cell(pixels, `epoch ${epoch + 1}`)))),
      ],
    });
  return contactSheet({
    title: "Augmented samples",
    subtitle: `what the network sees of training pictures at ${size} x ${size}, seed ${seed}`,
    rows,
    side: 112,
  });
}

/** What was drawn, a line a picture and epoch. */
export function augmentationTable(samples: readonly AugmentedSample[], name: (path: string) => string): string {
  const header = ["path", "epoch", "left", "top", "width", "height", "flipped", "degrees", "brightness", "contrast"];
  const lines = samples.flatMap(({ path, draws }) =>
    draws.map(({ epoch, view: { box, flip, rotation, brightness, contrast } }) =>
      csvLine([
        name(path),
        epoch + 1,
        box.left,
        box.top,
        box.width,
        box.height,
        flip ?? false,
        rotation ?? 0,
        brightness ?? 1,
        contrast ?? 1,
      ]),
    ),
  );
  return csvLine(header) + lines.join("");
}
