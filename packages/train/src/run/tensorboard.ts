import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";

/**
 * Writes scalars for TensorBoard: a file `events.out.tfevents.<seconds>.<host>.<pid>`, whose records are Event messages
 * (tensorflow/core/util/event.proto) in TFRecord frames.
 */
export class EventWriter {
  readonly path: string;
  readonly #file: number;
  readonly #clock: () => number;

  /**
   * @param folder the run folder; it must exist
   * @param options.resumeAt the step of the checkpoint that the run goes on from: TensorBoard forgets what older event
   *   files of the folder say about later steps
   * @param options.clock seconds since 1970
   */
  constructor(folder: string, options: { resumeAt?: number; clock?: () => number } = {}) {
    this.#clock = options.clock ?? (() => Date.now() / 1000);
    const host = hostname().replaceAll(/[^\w.-]/g, "_");
    const seconds = String(Math.floor(this.#clock())).padStart(10, "0");
    // The process number keeps two resumes within a second apart.
    this.path = join(folder, `events.out.tfevents.${seconds}.${host}.${process.pid}`);
    this.#file = openSync(this.path, "a");
    this.#write([stringField(EVENT_FILE_VERSION, "brain.Event:2")]);
    if (options.resumeAt !== undefined) {
      // An Event with SessionLog.START at step s makes readers drop what they have from step s on.
      const start = varintField(SESSION_LOG_STATUS, SESSION_LOG_START);
      this.#write([varintField(EVENT_STEP, options.resumeAt + 1), bytesField(EVENT_SESSION_LOG, start)]);
    }
  }

  /** Adds values, by tag, at a step. */
  scalars(step: number, values: Readonly<Record<string, number>>): void {
    const summary = Object.entries(values).map(([tag, value]) => {
      const fields = Buffer.concat([stringField(VALUE_TAG, tag), floatField(VALUE_SIMPLE_VALUE, value)]);
      return bytesField(SUMMARY_VALUE, fields);
    });
    this.#write([varintField(EVENT_STEP, step), bytesField(EVENT_SUMMARY, Buffer.concat(summary))]);
  }

  sync(): void {
    fsyncSync(this.#file);
  }

  close(): void {
    this.sync();
    closeSync(this.#file);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #write(fields: readonly Buffer[]): void {
    const frame = tfRecord(Buffer.concat([doubleField(EVENT_WALL_TIME, this.#clock()), ...fields]));
    for (let offset = 0; offset < frame.length;) offset += writeSync(this.#file, frame, offset);
  }
}

/** A TFRecord: length (uint64), masked CRC of the length, data, masked CRC of the data; little-endian. */
export function tfRecord(data: Uint8Array): Buffer {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(data.length));
  return Buffer.concat([length, maskedCrc(length), data, maskedCrc(data)]);
}

/** CRC-32C (Castagnoli, polynomial 0x1EDC6F41 reflected), as RFC 3720 has it for iSCSI. */
export function crc32c(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) crc = (crc >>> 8) ^ (CRC_TABLE[(crc ^ byte) & 0xff] ?? 0);
  return (crc ^ 0xffffffff) >>> 0;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  return crc >>> 0;
});

// A CRC of data that holds CRCs is weak, so TFRecord rotates it and adds a constant.
function maskedCrc(data: Uint8Array): Buffer {
  const crc = crc32c(data);
  const masked = Buffer.alloc(4);
  masked.writeUInt32LE((((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0);
  return masked;
}

// Field numbers of event.proto and summary.proto.
const EVENT_WALL_TIME = 1;
const EVENT_STEP = 2;
const EVENT_FILE_VERSION = 3;
const EVENT_SUMMARY = 5;
const EVENT_SESSION_LOG = 7;
const SESSION_LOG_STATUS = 1;
const SESSION_LOG_START = 1;
const SUMMARY_VALUE = 1;
const VALUE_TAG = 1;
const VALUE_SIMPLE_VALUE = 2;

// Protobuf's wire types.
const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

function key(field: number, wireType: number): Buffer {
  return varint((field << 3) | wireType);
}

function varint(value: number): Buffer {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`tensorboard: ${value} is no step`);
  const bytes: number[] = [];
  // Not by shifts: they would cut the value to 32 bits.
  for (; value > 0x7f; value = Math.floor(value / 128)) bytes.push((value % 128) | 0x80);
  return Buffer.from([...bytes, value]);
}

function varintField(field: number, value: number): Buffer {
  return Buffer.concat([key(field, VARINT), varint(value)]);
}

function bytesField(field: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([key(field, LENGTH_DELIMITED), varint(bytes.length), bytes]);
}

function stringField(field: number, text: string): Buffer {
  return bytesField(field, Buffer.from(text));
}

function doubleField(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([key(field, FIXED64), bytes]);
}

function floatField(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([key(field, FIXED32), bytes]);
}
