import { alikeHoweverTurned, bestTurn, polarOf, type Turn } from "./polar.ts";
import type { Comparable } from "./nearPairs.ts";

/** Two pictures that show the same film, turned by some angle. */
export interface TurnedPair extends Turn {
  /** Indices, a < b. */
  readonly a: number;
  readonly b: number;
}

/** Below this two pictures are not compared at every angle: of copies 99 in 100 are alike by 0.84, of different films one in three thousand by 0.75. */
const WORTH_A_LOOK = 0.75;
/**
 * Correlation within the circle from which two pictures show one film: above that of different radiographs (0.77) and of simple drawings
 * of straight bones, which are more alike when they may be turned (0.93). `docs/results.md` has the measurement.
 */
export const SAME_TURNED_FILM = 0.94;

/** Of comparing at every angle, in other comparisons. */
const COST_OF_A_LOOK = 100;
/** Comparisons between two chances for other work, such as Ctrl-C. */
const COMPARISONS_A_TURN = 500_000;

export interface TurnedPairsOptions {
  /** Pairs that are not looked for, as "a b". */
  readonly known?: ReadonlySet<string>;
  readonly signal?: AbortSignal;
}

/**
 * Pairs of one film of which one was turned about its middle, by any angle, and perhaps mirrored. Pictures must be about square, for a thumbnail is; what
 * was shifted or cropped is not found. Some 0.3 microseconds a pair.
 */
export async function turnedPairs(
  pictures: readonly Comparable[],
  { signal, known = new Set() }: TurnedPairsOptions = {},
): Promise<TurnedPair[]> {
  const polars = pictures.map(({ detail }) => detail && polarOf(detail));
  const found: TurnedPair[] = [];
  let compared = 0;
  for (const [a, polar] of polars.entries()) {
    if (!polar) continue;
    for (let b = a + 1; b < polars.length; b++) {
      const other = polars[b];
      if (!other || !alikeHoweverTurned(polar, other, WORTH_A_LOOK) || known.has(`${a} ${b}`)) continue;
      compared += COST_OF_A_LOOK;
      const turn = bestTurn(polar, other, SAME_TURNED_FILM);
      if (turn) found.push({ a, b, ...turn });
    }
    compared += polars.length - a;
    if (compared < COMPARISONS_A_TURN) continue;
    compared = 0;
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
  }
  return found;
}

/** What was done to a picture, in words: "turned by 17 degrees"; empty for nothing. */
export function turnInWords(mirrored: boolean, degrees: number): string {
  const whole = Math.round(degrees) % 360;
  const parts = [...(mirrored ? ["mirrored"] : []), ...(whole === 0 ? [] : [`turned by ${whole} degrees`])];
  return parts.join(" and ");
}
