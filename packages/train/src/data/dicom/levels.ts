import { conversion, type Conversion } from "../conversions.ts";
import type { Display, LookUp, Window } from "./display.ts";
import type { DicomHeader } from "./header.ts";

export interface Levels {
  /** [rows, columns] */
  readonly data: Uint8Array;
  readonly conversions: readonly Conversion[];
}

type Transform = (value: number) => number;

const identity: Transform = (value) => value;

/**
 * 8-bit levels of a grey picture: modality transformation, VOI transformation, black to white as 0 to 255, rounded, and inverted
 * for MONOCHROME1 (PS3.3, C.11 and C.7.6.3.1.2). Without a VOI transformation unsigned values of at most 8 bits are taken over
 * whole; others are stretched from the least to the most of the picture, padding left out.
 *
 * @param codes [rows, columns], as `bitsStored` bits each
 */
export function levelsOf(codes: Uint16Array, header: DicomHeader): Levels {
  const { bitsStored, signed, photometric, display } = header;
  const storedOf = signed ? (code: number) => code - ((code >> (bitsStored - 1)) << bitsStored) : identity;
  const conversions: Conversion[] = [];
  const modality = modalityOf(display, conversions);
  const voi = display.voi
    ? voiOf(display.voi, conversions)
    : withoutVoi(codes, header, { storedOf, modality }, conversions);
  const inverted = photometric === "MONOCHROME1";
  if (inverted) conversions.push(conversion("inverted"));
  const table = Uint8Array.from({ length: 1 << bitsStored }, (_, code) => {
    const level = Math.round(255 * Math.min(1, Math.max(0, voi(modality(storedOf(code))))));
    return inverted ? 255 - level : level;
  });
  const data = new Uint8Array(codes.length);
  for (let i = 0; i < codes.length; i++) data[i] = table[codes[i]!]!;
  return { data, conversions };
}

function modalityOf({ modality }: Display, conversions: Conversion[]): Transform {
  if ("entries" in modality) {
    conversions.push(conversion("modalityLut", "modality LUT applied"));
    return lookUp(modality);
  }
  const { slope, intercept } = modality;
  if (slope === 1 && intercept === 0) return identity;
  conversions.push(conversion("rescale", `rescaled by slope ${slope}, intercept ${intercept}`));
  return (value) => slope * value + intercept;
}

/** To 0 ... 1. */
function voiOf(voi: LookUp | Window, conversions: Conversion[]): Transform {
  if ("entries" in voi) {
    conversions.push(conversion("voiLut", "VOI LUT applied"));
    const [look, most] = [lookUp(voi), 2 ** voi.bits - 1];
    return (value) => look(value) / most;
  }
  const { centre, width, shape, of } = voi;
  const which = `${shape === "LINEAR" ? "" : ` ${shape}`}${of > 1 ? `, the first of ${of},` : ""}`;
  conversions.push(conversion("window", `window ${centre}/${width}${which} applied`));
  // PS3.3, C.11.2.1.2 and C.11.2.1.3
  if (shape === "SIGMOID") return (value) => 1 / (1 + Math.exp((-4 * (value - centre)) / width));
  if (shape === "LINEAR_EXACT") return (value) => (value - centre) / width + 0.5;
  // Of width 1 a threshold.
  if (width === 1) return (value) => (value > centre - 0.5 ? 1 : 0);
  return (value) => (value - (centre - 0.5)) / (width - 1) + 0.5;
}

function withoutVoi(
  codes: Uint16Array,
  { bitsStored, signed, display }: DicomHeader,
  { storedOf, modality }: { readonly storedOf: Transform; readonly modality: Transform },
  conversions: Conversion[],
): Transform {
  if (bitsStored <= 8 && !signed && conversions.length === 0) return (value) => value / (2 ** bitsStored - 1);
  const seen = new Uint8Array(1 << bitsStored);
  for (const code of codes) seen[code] = 1;
  let [least, most] = [Infinity, -Infinity];
  const { padding } = display;
  for (let code = 0; code < seen.length; code++) {
    if (!seen[code]) continue;
    const stored = storedOf(code);
    if (padding && stored >= padding[0] && stored <= padding[1]) continue;
    const value = modality(stored);
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  if (!(least < most)) return () => 0;
  conversions.push(conversion("range", `no window: ${rounded(least)} to ${rounded(most)} stretched to 8 bits`));
  return (value) => (value - least) / (most - least);
}

function lookUp({ first, entries }: LookUp): Transform {
  const last = entries.length - 1;
  return (value) => entries[Math.min(last, Math.max(0, Math.floor(value) - first))]!;
}

const rounded = (value: number): number => Number(value.toPrecision(6));
