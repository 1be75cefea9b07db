import type { Draws } from "./draws.ts";

const SIDE = 64;

const smooth = (t: number): number => t * t * (3 - 2 * t);

/** Smooth noise along a line, in [-1, 1]: value noise, one independent value a unit, periodic after 64. */
export function lineNoise(draws: Draws): (x: number) => number {
  const lattice = Float64Array.from({ length: SIDE }, () => draws.between(-1, 1));
  return (x) => {
    const cell = Math.floor(x);
    const t = smooth(x - cell);
    const [a, b] = [lattice[cell & (SIDE - 1)]!, lattice[(cell + 1) & (SIDE - 1)]!];
    return a + (b - a) * t;
  };
}

/** Smooth noise over a plane, in [-1, 1]: two octaves of value noise, one independent value a unit, periodic after 64. */
export function planeNoise(draws: Draws): (x: number, y: number) => number {
  const lattice = Float64Array.from({ length: SIDE * SIDE }, () => draws.between(-1, 1));
  const octave = (x: number, y: number): number => {
    const [column, row] = [Math.floor(x), Math.floor(y)];
    const [tx, ty] = [smooth(x - column), smooth(y - row)];
    const [left, right] = [column & (SIDE - 1), (column + 1) & (SIDE - 1)];
    const [top, bottom] = [(row & (SIDE - 1)) * SIDE, ((row + 1) & (SIDE - 1)) * SIDE];
    const above = lattice[top + left]! + (lattice[top + right]! - lattice[top + left]!) * tx;
    const below = lattice[bottom + left]! + (lattice[bottom + right]! - lattice[bottom + left]!) * tx;
    return above + (below - above) * ty;
  };
  // An irrational ratio, so that the lattices of the two octaves do not line up.
  return (x, y) => (octave(x, y) + 0.6 * octave(2.17 * x + 17.3, 2.17 * y + 5.9)) / 1.6;
}
