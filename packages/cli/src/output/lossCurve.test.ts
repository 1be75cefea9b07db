import { describe, expect, it } from "vitest";
import type { Sink } from "../io.ts";
import { LossCurve } from "./lossCurve.ts";
import { Progress } from "./progress.ts";

const falling = (steps: number): LossCurve => {
  const curve = new LossCurve();
  for (let i = 0; i < steps; i++) curve.addStep(2 - (2 * i) / (steps - 1));
  return curve;
};
const dotted = (line: string): number[] =>
  [...line].flatMap((c, i) => (c.codePointAt(0)! > 0x2800 && c.codePointAt(0)! < 0x2900 ? [i] : []));

describe("the curve of losses in a terminal", () => {
  it("falls from the upper left to the lower right, with its ends written beside it", () => {
    const lines = falling(500).lines(60);
    expect(lines).toHaveLength(6);
    expect(lines[0]).toMatch(/^2\.000 ┤⠉?⠒?/);
    expect(lines[4]).toMatch(/^0\.000 ┤/);
    const places = lines.slice(0, 5).map((line) => dotted(line));
    places.slice(1).forEach((row, i) => expect(Math.max(...row)).toBeGreaterThan(Math.max(...places[i]!)));
    expect([Math.min(...places[0]!), Math.max(...places[4]!)]).toEqual([7, 59]);
    expect(lines[5]).toBe("       loss: ⠒⠒ train");
  });

  it("fits the terminal, marks validation where it was measured, and shows nothing where there is no room", () => {
    const curve = falling(7);
    curve.addValidation(1);
    for (const columns of [32, 40, 200]) {
      const lines = curve.lines(columns);
      for (const line of lines) expect([...line].length).toBeLessThanOrEqual(Math.min(columns, 80));
      expect(lines[2]!.endsWith("o")).toBe(true);
      expect(lines[5]).toContain("o val");
    }
    expect(curve.lines(31)).toEqual([]);
    expect(falling(1).lines(80)).toEqual([]);
  });

  it("a long run takes no more memory, and looks as it would in few steps", () => {
    const [few, many] = [falling(1000), falling(50_000)];
    const starts = [few, many].map((curve) =>
      curve
        .lines(40)
        .slice(0, 5)
        .map((line) => dotted(line)[0]!),
    );
    starts[0]!.forEach((start, row) => expect(Math.abs(starts[1]![row]! - start)).toBeLessThanOrEqual(1));
  });

  it("losses that are no numbers are left out, and one that never changes is a line", () => {
    const curve = new LossCurve();
    for (const loss of [1, NaN, 1, Infinity, 1]) curve.addStep(loss);
    curve.addValidation(NaN);
    const lines = curve.lines(40);
    expect(lines.join("")).not.toContain("NaN");
    expect(lines.slice(0, 5).filter((line) => dotted(line).length > 0)).toHaveLength(1);
  });

  const io = (isTTY: boolean, env: Record<string, string>): LossCurve | null =>
    LossCurve.for({ stderr: { write: () => {}, isTTY, columns: 80 }, env });
  it("is for terminals that can show it, without colours where NO_COLOR is set", () => {
    expect([io(false, {}), io(true, { TERM: "dumb" }), io(true, { LANG: "C" })]).toEqual([null, null, null]);
    for (const [env, coloured] of [
      [{ LANG: "de_DE.UTF-8" }, true],
      [{ NO_COLOR: "1" }, false],
    ] as const) {
      const curve = io(true, env)!;
      for (const loss of [2, 1]) curve.addStep(loss);
      expect(curve.lines(80).join("").includes("\u001b[")).toBe(coloured);
    }
  });

  it("stands below the updated line of a terminal only, and goes away with it", () => {
    const written: string[] = [];
    const sink = (isTTY: boolean): Sink => ({ write: (text) => written.push(text), isTTY, columns: 80 });
    const progress = new Progress(sink(true));
    progress.update("step 1", () => ["a", "b"]);
    progress.line("epoch 1");
    expect(written).toEqual(["\r\u001b[2Kstep 1\na\nb\u001b[2A", "\r\u001b[2K\u001b[J", "epoch 1\n"]);
    written.length = 0;
    const plain = new Progress(sink(false));
    plain.update("step 1", () => ["a"]);
    plain.clear();
    expect(written).toEqual([]);
  });
});
