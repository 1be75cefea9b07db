import { philox4x32, sizeOf } from "@fracture/tensor";
import { describe, expect, test } from "vitest";
import { Budget } from "./budget.ts";
import { WeightsError } from "./errors.ts";
import { ZipArchive } from "./pth/zip.ts";
import { parseWeights } from "./readWeights.ts";
import { bytesOf, zipOf, type Bytes } from "./testing/build.ts";
import { fixture } from "./testing/fixtures.ts";

const ROUNDS = 600;

/** The same file without checksums, so that damage gets through to the readers behind them. */
function withoutChecksums(bytes: Bytes): Bytes {
  const zip = new ZipArchive(bytes, new Budget(bytes.length));
  return zipOf([...zip.names()].map((name) => [name, zip.read(name), { claims: { crc: 0 } }] as const));
}

const SEEDS: readonly (readonly [string, Bytes])[] = [
  ["zip.pth", fixture("zip.pth")],
  ["zip.pth without checksums", withoutChecksums(fixture("zip.pth"))],
  ["checkpoint.pth without checksums", withoutChecksums(fixture("checkpoint.pth"))],
  ["legacy.pth", fixture("legacy.pth")],
  ["legacy-protocol4.pth", fixture("legacy-protocol4.pth")],
  ["parameters.pth", fixture("parameters.pth")],
  ["tar.pth", fixture("tar.pth")],
  ["tiny.safetensors", fixture("tiny.safetensors")],
];

/** One of five kinds of damage, the same for the same round. */
function damaged(original: Bytes, round: number): Bytes {
  const random = (i: number): number => philox4x32([round, i, 0, 0], [2026, 0])[0];
  const place = (i: number): number => random(i) % original.length;
  const copy = Uint8Array.from(original);
  switch (round % 5) {
    case 0:
      return copy.slice(0, place(0));
    case 1: {
      const from = place(0);
      const length = random(1) % 16;
      return bytesOf(copy.subarray(0, from), copy.subarray(from + length));
    }
    case 2: {
      const from = place(0);
      return bytesOf(copy.subarray(0, from), copy.subarray(place(1), place(1) + 40), copy.subarray(from));
    }
    case 3:
      copy[place(0)] = [0x00, 0xff, 0x7f, 0x80][random(1) % 4]!;
      return copy;
    default:
      for (let i = 0; i <= random(0) % 6; i++) copy[place(2 * i + 1)]! ^= 1 << (random(2 * i + 2) % 8);
      return copy;
  }
}

describe("damaged files give a WeightsError or sound tensors, and nothing else", () => {
  test.each(SEEDS)("%s", (_, original) => {
    const outcomes = { refused: 0, read: 0 };
    for (let round = 0; round < ROUNDS; round++) {
      const bytes = damaged(original, round);
      try {
        const { state } = parseWeights(bytes);
        outcomes.read++;
        const buffers = new Set<ArrayBuffer>();
        for (const { shape, data } of state.values()) {
          expect(data.length, `round ${round}`).toBe(sizeOf(shape));
          buffers.add(data.buffer);
        }
        const taken = [...buffers].reduce((total, buffer) => total + buffer.byteLength, 0);
        expect(taken, `round ${round}`).toBeLessThanOrEqual(new Budget(bytes.length).limit + bytes.length);
      } catch (error) {
        if (!(error instanceof WeightsError)) throw new Error(`round ${round}`, { cause: error });
        outcomes.refused++;
      }
    }
    // Truncations at least must have been refused.
    expect(outcomes.refused).toBeGreaterThan(ROUNDS / 6);
  });
});
