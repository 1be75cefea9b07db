import type { HistoryRow } from "../../run/history.ts";
import { element, line, MUTED, text, type Svg } from "../svg/element.ts";
import { elide, textWidth } from "../svg/font.ts";
import { TICK_SIZE } from "../svg/frame.ts";
import type { Scale } from "../svg/scale.ts";

/** Consecutive epochs of one stage. */
export interface StageSpan {
  name: string;
  from: number;
  to: number;
}

export function stageSpans(history: readonly HistoryRow[]): StageSpan[] {
  const spans: StageSpan[] = [];
  for (const { stage, epoch } of history) {
    const current = spans.at(-1);
    if (current?.name === stage) current.to = epoch;
    else spans.push({ name: stage, from: epoch, to: epoch });
  }
  return spans;
}

/** Tints the epochs of every other stage, and writes each stage's name above its own, where it fits. */
export function stageBands(
  spans: readonly StageSpan[],
  x: Scale,
  top: number,
  bottom: number,
  nameHeight: number,
): Svg {
  return spans
    .map(({ name, from, to }, index) => {
      const left = x(from - 0.5);
      const width = x(to + 0.5) - left;
      const fill = spans.length > 1 && index % 2 === 0 ? "#f5f5f5" : "none";
      const label = elide(name, width - 8, TICK_SIZE);
      const fits = textWidth(label, TICK_SIZE) <= width - 2;
      const options = { size: TICK_SIZE, anchor: "middle", fill: MUTED } as const;
      return (
        element("rect", { x: left, y: top, width, height: bottom - top, fill }) +
        (fits ? text(left + width / 2, top + nameHeight / 2, label, options) : "")
      );
    })
    .join("");
}

/** Dashed lines where one stage ends and the next begins. */
export function stageChanges(spans: readonly StageSpan[], x: Scale, top: number, bottom: number): Svg {
  return spans
    .slice(1)
    .map(({ from }) => line(x(from - 0.5), top, x(from - 0.5), bottom, { stroke: MUTED, dash: "5 4" }))
    .join("");
}
