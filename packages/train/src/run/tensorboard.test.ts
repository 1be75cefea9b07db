import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { crc32c, EventWriter, tfRecord } from "./tensorboard.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fracture-events-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

// RFC 3720, B.4.
test.each([
  ["32 bytes of zeros", Buffer.alloc(32), 0x8a9136aa],
  ["32 bytes of ones", Buffer.alloc(32, 0xff), 0x62a8ab43],
  ["32 rising bytes", Buffer.from(Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e],
  ["32 falling bytes", Buffer.from(Array.from({ length: 32 }, (_, i) => 31 - i)), 0x113fdb5c],
  ["the digits", Buffer.from("123456789"), 0xe3069283],
])("crc32c of %s is the RFC's", (_, data, expected) => {
  expect(crc32c(data)).toBe(expected);
});

/** Undoes the mask (rotate left by 15 after subtracting TensorFlow's constant), independently of the writer. */
function unmask(masked: number): number {
  const rotated = (masked - 0xa282ead8) >>> 0;
  return ((rotated << 15) | (rotated >>> 17)) >>> 0;
}

/** The records of a TFRecord file; every length and CRC must be right, and nothing may be left over. */
function records(file: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < file.length;) {
    const length = Number(file.readBigUInt64LE(at));
    expect(unmask(file.readUInt32LE(at + 8))).toBe(crc32c(file.subarray(at, at + 8)));
    const data = file.subarray(at + 12, at + 12 + length);
    expect(data).toHaveLength(length);
    expect(unmask(file.readUInt32LE(at + 12 + length))).toBe(crc32c(data));
    found.push(data);
    at += length + 16;
  }
  return found;
}

interface Field {
  field: number;
  value: number | Buffer;
}

/** The fields of a protobuf message: numbers for varint, fixed64 (double) and fixed32 (float), bytes for the rest. */
function fields(message: Buffer): Field[] {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = message.readUInt8(at++);
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  const found: Field[] = [];
  while (at < message.length) {
    const key = varint();
    const field = Math.floor(key / 8);
    const type = key % 8;
    if (type === 0) found.push({ field, value: varint() });
    else if (type === 1) found.push({ field, value: message.readDoubleLE((at += 8) - 8) });
    else if (type === 5) found.push({ field, value: message.readFloatLE((at += 4) - 4) });
    else if (type === 2) {
      const length = varint();
      found.push({ field, value: message.subarray(at, (at += length)) });
    } else throw new Error(`wire type ${type}`);
  }
  return found;
}

const only = (list: Field[], field: number) => list.find((entry) => entry.field === field)?.value;
const bytes = (value: number | Buffer | undefined) => (Buffer.isBuffer(value) ? value : Buffer.alloc(0));

describe("an event file", () => {
  test("begins with its version and holds a summary of scalars a step", () => {
    const writer = new EventWriter(folder, { clock: () => 1_700_000_000.5 });
    const far = 2 ** 40 + 3;
    writer.scalars(1, { "train/loss": 0.75 });
    writer.scalars(far, { "val/loss": 0.5, "val/äccuracy": NaN });
    writer.close();

    expect(readdirSync(folder)).toEqual([basename(writer.path)]);
    expect(basename(writer.path)).toMatch(/^events\.out\.tfevents\.1700000000\.[\w.-]+\.\d+$/);
    const events = records(readFileSync(writer.path)).map(fields);
    expect(events.map((event) => only(event, 1))).toEqual([1_700_000_000.5, 1_700_000_000.5, 1_700_000_000.5]);
    expect(bytes(only(events[0] ?? [], 3)).toString()).toBe("brain.Event:2");
    const scalars = events.slice(1).map((event) => ({
      step: only(event, 2),
      values: fields(bytes(only(event, 5))).map(({ field, value }) => {
        expect(field).toBe(1);
        const entry = fields(bytes(value));
        return [bytes(only(entry, 1)).toString(), only(entry, 2)];
      }),
    }));
    expect(scalars).toEqual([
      { step: 1, values: [["train/loss", 0.75]] },
      {
        step: far,
        values: [
          ["val/loss", 0.5],
          ["val/äccuracy", NaN],
        ],
      },
    ]);
  });

  test("of a resumed run tells readers to forget later steps", () => {
    const writer = new EventWriter(folder, { resumeAt: 200 });
    writer.close();
    const [, start = []] = records(readFileSync(writer.path)).map(fields);
    expect(only(start, 2)).toBe(201);
    expect(fields(bytes(only(start, 7)))).toEqual([{ field: 1, value: 1 }]);
  });

  test("refuses a step that is none", () => {
    using writer = new EventWriter(folder);
    expect(() => writer.scalars(-1, {})).toThrow("tensorboard: -1 is no step");
    expect(() => writer.scalars(0.5, {})).toThrow("tensorboard: 0.5 is no step");
  });
});

test("a TFRecord is 16 bytes longer than its data", () => {
  expect(tfRecord(Buffer.from("abc"))).toHaveLength(19);
});
