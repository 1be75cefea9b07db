/** An element's value: bytes as they are, a text, or numbers of 16 bits. */
type Value = Uint8Array | string | readonly number[];
export type Attributes = Readonly<Record<string, readonly [vr: string, value: Value]>>;

const LONG_LENGTH = /^(OB|OW|SQ|UN)$/;

/** A DICOM file in explicit little endian; `tag` as "0028,0010". */
export function buildDicom(attributes: Attributes, transferSyntax = "1.2.840.10008.1.2.1"): Buffer {
  const meta = elements({ "0002,0010": ["UI", transferSyntax] });
  return Buffer.concat([Buffer.alloc(128), Buffer.from("DICM"), meta, elements(attributes)]);
}

/** What a data set holds, in the order of the tags. */
export function elements(attributes: Attributes): Buffer {
  const sorted = Object.entries(attributes).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Buffer.concat(sorted.map(([tag, [vr, value]]) => element(tag, vr, bytesOf(vr, value))));
}

/** A sequence's value: one item. */
export function item(attributes: Attributes): Buffer {
  const content = elements(attributes);
  return Buffer.concat([Buffer.from([0xfe, 0xff, 0x00, 0xe0]), uint32(content.length), content]);
}

function bytesOf(vr: string, value: Value): Buffer {
  if (typeof value === "string") return Buffer.from(value.padEnd(value.length + (value.length % 2), vr === "UI" ? "\0" : " "));
  return Buffer.from(value instanceof Uint8Array ? value : new Uint8Array(Uint16Array.from(value, (v) => v & 0xffff).buffer));
}

function element(tag: string, vr: string, value: Uint8Array, length = value.length): Buffer {
  const [group, number] = tag.split(",").map((part) => parseInt(part, 16));
  const size = LONG_LENGTH.test(vr)
    ? Buffer.concat([Buffer.alloc(2), uint32(length)])
    : Buffer.from([length & 255, length >> 8]);
  const head = Buffer.from([group! & 255, group! >> 8, number! & 255, number! >> 8, ...Buffer.from(vr)]);
  return Buffer.concat([head, size, value]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** Compressed pixels in fragments, an empty table of offsets before them; of undefined length. */
export function encapsulated(attributes: Attributes, transferSyntax: string, ...fragments: readonly Uint8Array[]): Buffer {
  const items = [new Uint8Array(), ...fragments].map((bytes) =>
    Buffer.concat([Buffer.from([0xfe, 0xff, 0x00, 0xe0]), uint32(bytes.length), bytes]),
  );
  const pixels = Buffer.concat([...items, Buffer.from([0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0])]);
  return Buffer.concat([buildDicom(attributes, transferSyntax), element("7fe0,0010", "OB", pixels, 0xffffffff)]);
}

/** Grey pixels of 16 bits. */
export function greyAttributes(rows: number, columns: number, pixels: readonly number[], more: Attributes = {}): Attributes {
  return {
    "0028,0002": ["US", [1]],
    "0028,0004": ["CS", "MONOCHROME2"],
    "0028,0010": ["US", [rows]],
    "0028,0011": ["US", [columns]],
    "0028,0100": ["US", [16]],
    "0028,0101": ["US", [12]],
    "0028,0102": ["US", [11]],
    "0028,0103": ["US", [0]],
    ...(pixels.length > 0 ? { "7fe0,0010": ["OW", pixels] } : {}),
    ...more,
  };
}
