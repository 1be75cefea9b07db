/**
 * Okabe and Ito's colours (2008), which people with any colour vision tell apart; without yellow, which is lost on white.
 * Each has a dash of its own, so that lines differ in grey too.
 */
export const SERIES: readonly { stroke: string; dash?: string }[] = [
  { stroke: "#0072b2" },
  { stroke: "#d55e00", dash: "8 4" },
  { stroke: "#009e73", dash: "2 3" },
  { stroke: "#cc79a7", dash: "12 4 2 4" },
  { stroke: "#000000", dash: "5 2" },
  { stroke: "#56b4e9" },
  { stroke: "#e69f00", dash: "8 3 2 3 2 3" },
  { stroke: "#6b6b6b", dash: "1 2" },
];

export const BLUE = "#0072b2";
export const ORANGE = "#d55e00";
/** The chance line, and series that only serve as background. */
export const FAINT = "#b8b8b8";

// ColorBrewer's Blues: lightness falls evenly, so the order survives printing in grey.
const BLUES = [
  [247, 251, 255],
  [222, 235, 247],
  [198, 219, 239],
  [158, 202, 225],
  [107, 174, 214],
  [66, 146, 198],
  [33, 113, 181],
  [8, 81, 156],
  [8, 48, 107],
] as const;

/** A blue for a share from 0 (almost white) to 1 (dark), and the ink that is read best on it. */
export function shade(share: number): { fill: string; ink: string } {
  const position = Math.min(Math.max(share, 0), 1) * (BLUES.length - 1);
  const index = Math.min(Math.floor(position), BLUES.length - 2);
  const [from, to] = [BLUES[index] ?? BLUES[0], BLUES[index + 1] ?? BLUES[0]];
  const mix = (channel: 0 | 1 | 2) => from[channel] + (to[channel] - from[channel]) * (position - index);
  const rgb = [mix(0), mix(1), mix(2)] as const;
  // Where white and black contrast equally, WCAG's ratio is 4.58 for both: above what AA asks of small text.
  const dark = luminance(rgb) < Math.sqrt(1.05 * 0.05) - 0.05;
  return { fill: `rgb(${rgb.map(Math.round).join(",")})`, ink: dark ? "#ffffff" : "#000000" };
}

/** WCAG's relative luminance of an sRGB colour (0 to 255 each). */
function luminance(rgb: readonly [number, number, number]): number {
  const [r, g, b] = rgb;
  return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
}

function linear(value: number): number {
  const share = value / 255;
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
}
