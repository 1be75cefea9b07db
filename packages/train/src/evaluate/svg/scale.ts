/** Maps a value to pixels. */
export type Scale = (value: number) => number;

/** What an axis shows: its ends, where its ticks are, and how they are written. */
export interface Axis {
  domain: readonly [number, number];
  ticks: readonly number[];
  format: (value: number) => string;
  log?: boolean;
}

export function scaleOf({ domain, log }: Axis, range: readonly [number, number]): Scale {
  const map = log === true ? Math.log10 : (value: number) => value;
  const [start, end] = [map(domain[0]), map(domain[1])];
  return (value) => range[0] + ((map(value) - start) / (end - start)) * (range[1] - range[0]);
}

export interface LinearAxisOptions {
  /** About how many ticks. */
  count?: number;
  /** The values can't go beyond these. */
  limits?: readonly [number, number];
  percent?: boolean;
}

/**
 * An axis that holds all finite values, with a little room and its ends at ticks of 1, 2, 2.5 or 5 times a power of ten.
 * Starts at 0 where that costs little; equal values are put in its middle.
 */
export function linearAxis(values: readonly number[], options: LinearAxisOptions = {}): Axis {
  const { count = 5, limits = [-Infinity, Infinity], percent = false } = options;
  let [low, high] = extent(values) ?? [0, 1];
  if (low > 0 && low < 0.4 * high) low = 0;
  if (high - low <= 1e-12 * Math.max(Math.abs(low), Math.abs(high))) {
    const room = percent ? 0.05 : Math.abs(low) * 0.1 || 0.5;
    [low, high] = [low - room, high + room];
  }
  low = Math.max(low, limits[0]);
  high = Math.min(high, limits[1]);
  const step = niceStep((high - low) / count);
  const first = Math.max(Math.floor(low / step + 1e-9), Math.ceil(limits[0] / step - 1e-9));
  const last = Math.min(Math.ceil(high / step - 1e-9), Math.floor(limits[1] / step + 1e-9));
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
  const domain = [Math.min(low, first * step), Math.max(high, last * step)] as const;
  return {
    domain,
    ticks,
    format: tickFormat(step, Math.max(Math.abs(low), Math.abs(high)), percent),
  };
}

/** Whole numbers from `low` to `high`, half a unit of room on both sides. */
export function integerAxis(low: number, high: number, count = 10): Axis {
  const step = Math.max(1, niceStep((high - low) / count));
  const ticks: number[] = [];
  // 2.5 is nice, but not whole.
  const whole = Math.ceil(step);
  for (let tick = Math.ceil(low / whole) * whole; tick <= high; tick += whole) ticks.push(tick);
  // Counting starts at 1, and so should the axis.
  if (ticks[0] !== low && whole > 1 && (ticks[0] ?? Infinity) - low > whole / 2) ticks.unshift(low);
  return {
    domain: [low - 0.5, high + 0.5],
    ticks: ticks.length > 0 ? ticks : [low],
    format: String,
  };
}

/** Powers of ten around all positive values, at most about seven ticks. */
export function logAxis(values: readonly number[]): Axis {
  const [low, high] = extent(values.filter((value) => value > 0)) ?? [1, 10];
  let first = Math.floor(Math.log10(low) + 1e-9);
  let last = Math.ceil(Math.log10(high) - 1e-9);
  if (first === last) [first, last] = [first - 1, last + 1];
  const every = Math.ceil((last - first) / 6);
  const ticks: number[] = [];
  for (let power = first; power <= last; power += every) ticks.push(Number(`1e${power}`));
  return {
    // A little room keeps a line at a power of ten off the frame.
    domain: [10 ** (first - 0.05 * (last - first)), 10 ** (last + 0.05 * (last - first))],
    ticks,
    log: true,
    format: (value) => `1e${Math.round(Math.log10(value))}`,
  };
}

/** 0 to 1 in fifths. */
export function unitAxis(): Axis {
  return { domain: [0, 1], ticks: [0, 0.2, 0.4, 0.6, 0.8, 1], format: (value) => value.toFixed(1) };
}

function extent(values: readonly number[]): [number, number] | null {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low <= high ? [low, high] : null;
}

function niceStep(rough: number): number {
  const power = Math.floor(Math.log10(rough));
  const base = Number(`1e${power}`);
  const nice = [1, 2, 2.5, 5, 10].find((factor) => factor * base >= rough * (1 - 1e-9)) ?? 10;
  return nice * base;
}

function tickFormat(step: number, largest: number, percent: boolean): (value: number) => string {
  const unit = percent ? step * 100 : step;
  // The digits after the point that tell two ticks apart: 0.25 needs two, 2.5 one.
  const decimals = Math.max(
    0,
    [0, 1, 2, 3, 4, 5, 6].find((d) => Math.abs(unit * 10 ** d - Math.round(unit * 10 ** d)) < 1e-6 * unit * 10 ** d) ??
      7,
  );
  if (percent) return (value) => `${(value * 100).toFixed(decimals)}%`;
  if (largest >= 1e5 || decimals > 4)
    return (value) => (value === 0 ? "0" : String(Number(value.toPrecision(6)).toExponential()).replace("e+", "e"));
  return (value) => (Math.abs(value) < step / 2 ? 0 : value).toFixed(decimals);
}
