// As much of protobuf's wire format as writing an ONNX file takes: nothing is read, and no number is negative. A message is
// a tree of byte arrays, so that the weights in it are views and are never copied.

/** A message, or a part of one: its bytes in order. */
export type Message = Uint8Array<ArrayBuffer> | readonly Message[];

const WIRE_VARINT = 0;
const WIRE_BYTES = 2;
const WIRE_FIXED32 = 5;

const utf8 = new TextEncoder();

/** Base 128, the lowest digit first; for integers from 0 to 2^53 - 1. */
function varint(value: number): Uint8Array<ArrayBuffer> {
  const digits: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) digits.push((rest % 128) | 128);
  digits.push(rest);
  return Uint8Array.from(digits);
}

const tag = (field: number, wire: number): Message => varint(8 * field + wire);

/** An integer or an enum's value. */
export const int = (field: number, value: number): Message => [tag(field, WIRE_VARINT), varint(value)];

export function float(field: number, value: number): Message {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return [tag(field, WIRE_FIXED32), bytes];
}

/** What is written with its length before it: a string, bytes, or a nested message. */
export function nested(field: number, content: string | Message): Message {
  const body = typeof content === "string" ? utf8.encode(content) : content;
  return [tag(field, WIRE_BYTES), varint(byteLength(body)), body];
}

export const byteLength = (message: Message): number =>
  message instanceof Uint8Array ? message.length : message.reduce((sum, part) => sum + byteLength(part), 0);

/** Runs below this size are joined: a file of a thousand pieces of a byte or two would be slow to write. */
const SMALL = 4096;

/** The message's bytes in order, in few pieces; large ones are the arrays that it was given. */
export function piecesOf(message: Message): Uint8Array<ArrayBuffer>[] {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let small: Uint8Array[] = [];
  const flush = (): void => {
    if (small.length === 0) return;
    const joined = new Uint8Array(byteLength(small as Message[]));
    small.reduce((at, part) => (joined.set(part, at), at + part.length), 0);
    pieces.push(joined);
    small = [];
  };
  const visit = (part: Message): void => {
    if (!(part instanceof Uint8Array)) return part.forEach(visit);
    if (part.length < SMALL) return void small.push(part);
    flush();
    pieces.push(part);
  };
  visit(message);
  flush();
  return pieces;
}
