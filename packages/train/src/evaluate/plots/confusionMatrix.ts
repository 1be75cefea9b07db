import { element, INK, MUTED, svgDocument, text, type Svg } from "../svg/element.ts";
import { elide, textWidth } from "../svg/font.ts";
import { heading, LABEL_SIZE, TICK_SIZE } from "../svg/frame.ts";
import { shade } from "../svg/palette.ts";

/** More classes than this have their counts left out, and every other name or fewer written. */
const MOST_LABELLED = 20;
const LONGEST_LABEL = 150;

/**
 * Counts by true (rows) and predicted class (columns). A cell's shade is its share of its row, so that a rare class reads
 * like a frequent one; a class without images is hatched.
 */
export function confusionMatrixPlot(classes: readonly string[], matrix: readonly (readonly number[])[]): Svg {
  const n = classes.length;
  const cell = Math.max(n > MOST_LABELLED ? 10 : 36, Math.min(120, Math.floor(560 / n)));
  const side = cell * n;
  const names = classes.map((name) => elide(name, LONGEST_LABEL, TICK_SIZE));
  const widest = Math.max(...names.map((name) => textWidth(name, TICK_SIZE)));
  const upright = widest <= cell - 8;
  const left = 24 + 30 + widest;
  const top = 72;
  const bottom = top + side;
  // Rotated by 45 degrees, a name goes as far down as to the left.
  const labelDepth = upright ? 16 : widest * Math.SQRT1_2 + 12;
  const every = Math.ceil(n / MOST_LABELLED);

  const parts: Svg[] = [];
  matrix.forEach((row, truth) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    row.forEach((count, guess) => {
      parts.push(drawCell(left + guess * cell, top + truth * cell, cell, count, total, n <= MOST_LABELLED));
    });
  });
  names.forEach((name, i) => {
    if (i % every !== 0) return;
    const centre = i * cell + cell / 2;
    parts.push(text(left - 8, top + centre, name, { size: TICK_SIZE, anchor: "end" }));
    parts.push(
      upright
        ? text(left + centre, bottom + 16, name, { size: TICK_SIZE, anchor: "middle" })
        : text(left + centre + 2, bottom + 12, name, {
            size: TICK_SIZE,
            anchor: "end",
            rotate: -45,
          }),
    );
  });
  const labelY = bottom + labelDepth + 24;
  parts.push(
    text(left + side / 2, labelY, "predicted class", { size: LABEL_SIZE, anchor: "middle" }),
    text(22, top + side / 2, "true class", { size: LABEL_SIZE, anchor: "middle", rotate: -90 }),
    element("rect", { x: left, y: top, width: side, height: side, fill: "none", stroke: MUTED }),
    colourBar(left + side + 24, top, Math.min(side, 320)),
  );
  const width = Math.max(left + side + 130, 440);
  return svgDocument(
    width,
    labelY + 20,
    HATCH,
    heading(24, "Confusion matrix", subtitle(matrix), width - 48),
    ...parts,
  );
}

const HATCH = element(
  "defs",
  {},
  element(
    "pattern",
    {
      id: "absent",
      width: 6,
      height: 6,
      patternUnits: "userSpaceOnUse",
      patternTransform: "rotate(45)",
    },
    element("rect", { width: 6, height: 6, fill: "#ffffff" }),
    element("rect", { width: 1.2, height: 6, fill: "#d0d0d0" }),
  ),
);

function drawCell(x: number, y: number, size: number, count: number, total: number, written: boolean): Svg {
  const { fill, ink } = total === 0 ? { fill: "url(#absent)", ink: INK } : shade(count / total);
  const square = element("rect", {
    x,
    y,
    width: size,
    height: size,
    fill,
    stroke: "#ffffff",
    "stroke-width": size > 14 ? 1 : 0.3,
  });
  if (!written || total === 0) return square;
  const middle = x + size / 2;
  const label = String(count);
  const room = size - 6;
  const big = fitted(label, size >= 80 ? 22 : size >= 50 ? 15 : 12, room);
  if (size < 50) return square + text(middle, y + size / 2, label, { size: big, anchor: "middle", fill: ink });
  const percent = `${((100 * count) / total).toFixed(size >= 80 ? 1 : 0)}%`;
  const small = fitted(percent, size >= 80 ? 12 : 10, room);
  return (
    square +
    text(middle, y + size / 2 - big * 0.45, label, { size: big, anchor: "middle", fill: ink }) +
    text(middle, y + size / 2 + big * 0.65, percent, { size: small, anchor: "middle", fill: ink })
  );
}

function fitted(label: string, size: number, width: number): number {
  return Math.min(size, (size * width) / textWidth(label, size));
}

function colourBar(x: number, y: number, height: number): Svg {
  const steps = 64;
  const bars = Array.from({ length: steps }, (_, i) =>
    element("rect", {
      x,
      y: y + (height * i) / steps,
      width: 14,
      // A little more than its share, or seams show.
      height: height / steps + (i === steps - 1 ? 0 : 0.6),
      fill: shade(1 - (i + 0.5) / steps).fill,
    }),
  );
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) =>
    text(x + 20, y + height * (1 - share), `${share * 100}%`, { size: TICK_SIZE, fill: MUTED }),
  );
  const label = elide("share of the true class", height + 40, TICK_SIZE);
  return [
    ...bars,
    element("rect", { x, y, width: 14, height, fill: "none", stroke: MUTED, "stroke-width": 0.6 }),
    ...ticks,
    text(x + 68, y + height / 2, label, {
      size: TICK_SIZE,
      anchor: "middle",
      rotate: 90,
      fill: MUTED,
    }),
  ].join("");
}

function subtitle(matrix: readonly (readonly number[])[]): string {
  const total = matrix.flat().reduce((sum, count) => sum + count, 0);
  const right = matrix.reduce((sum, row, i) => sum + (row[i] ?? 0), 0);
  if (total === 0) return "no images";
  return `${right} of ${total} images right (${((100 * right) / total).toFixed(1)}%)`;
}
