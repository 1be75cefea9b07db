import { crc32, deflateRawSync } from "node:zlib";

export type Bytes = Uint8Array<ArrayBuffer>;
type Part = string | number | ArrayLike<number>;

/** Bytes of text (one a character), single bytes and arrays. */
export function bytesOf(...parts: readonly Part[]): Bytes {
  const pieces = parts.map((part) =>
    typeof part === "number" ? [part] : typeof part === "string" ? Array.from(part, (c) => c.charCodeAt(0)) : part,
  );
  const bytes = new Uint8Array(pieces.reduce((total, piece) => total + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

const little = (bytes: number, value: number): number[] =>
  Array.from({ length: bytes }, (_, i) => Math.floor(value / 2 ** (8 * i)) % 256);
export const u16 = (value: number): number[] => little(2, value);
export const u32 = (value: number): number[] => little(4, value);
export const u64 = (value: number): number[] => little(8, value);

/** Pickle instructions, as Python's pickletools spells them. */
export const pickle = {
  proto: bytesOf(0x80, 2),
  stop: bytesOf("."),
  global: (module: string, name: string) => bytesOf(`c${module}\n${name}\n`),
  text: (text: string) => bytesOf("X", u32(text.length), text),
  int: (value: number) => bytesOf(0x8a, 8, u64(value)),
  list: (...items: readonly Bytes[]) => bytesOf("](", ...items, "e"),
  tuple: (...items: readonly Bytes[]) => bytesOf("(", ...items, "t"),
  dict: (...pairs: readonly (readonly [string, Bytes])[]) =>
    bytesOf("}(", ...pairs.flatMap(([key, value]) => [pickle.text(key), value]), "u"),
  call: (callable: Bytes, ...args: readonly Bytes[]) => bytesOf(callable, pickle.tuple(...args), "R"),
  ints: (...values: readonly number[]) => pickle.tuple(...values.map((value) => pickle.int(value))),
  /** A storage as the zip container names it. */
  storage: (type: string, key: string, count: number) =>
    bytesOf(
      pickle.tuple(
        pickle.text("storage"),
        pickle.global("torch", type),
        pickle.text(key),
        pickle.text("cpu"),
        pickle.int(count),
      ),
      "Q",
    ),
  tensor: (storage: Bytes, size: readonly number[], stride: readonly number[], offset = 0) =>
    pickle.call(
      pickle.global("torch._utils", "_rebuild_tensor_v2"),
      storage,
      pickle.int(offset),
      pickle.ints(...size),
      pickle.ints(...stride),
      bytesOf(0x89),
      pickle.call(pickle.global("collections", "OrderedDict")),
    ),
  whole: (object: Bytes) => bytesOf(pickle.proto, object, "."),
};

export interface MemberOptions {
  readonly deflated?: boolean;
  /** Sizes and CRC only behind the content and in the directory. */
  readonly descriptor?: boolean;
  readonly zip64?: boolean;
  /** Lies in the directory. */
  readonly claims?: {
    readonly bytes?: number;
    readonly packed?: number;
    readonly offset?: number;
    readonly crc?: number;
  };
  readonly flags?: number;
  readonly method?: number;
}

/** A zip archive, with every trick and lie that the reader should know. */
export function zipOf(
  members: readonly (readonly [name: string, content: Bytes, options?: MemberOptions])[],
  { zip64 = false, comment = "" } = {},
): Bytes {
  const file: Bytes[] = [];
  const directory: Bytes[] = [];
  const lengthOf = (pieces: readonly Bytes[]): number => pieces.reduce((total, piece) => total + piece.length, 0);
  for (const [name, content, options = {}] of members) {
    const { deflated = false, descriptor = false, claims = {} } = options;
    const packed = deflated ? Uint8Array.from(deflateRawSync(content)) : content;
    const method = options.method ?? (deflated ? 8 : 0);
    const flags = u16((options.flags ?? 0) | (descriptor ? 8 : 0));
    const crc = claims.crc ?? crc32(content);
    const bytes = claims.bytes ?? content.length;
    const packedBytes = claims.packed ?? packed.length;
    const offset = claims.offset ?? lengthOf(file);
    const sizes = descriptor ? [u32(0), u32(0), u32(0)] : [u32(crc), u32(packedBytes), u32(bytes)];
    file.push(
      bytesOf("PK\x03\x04", u16(20), flags, u16(method), u32(0), ...sizes, u16(name.length), u16(0), name, packed),
    );
    if (descriptor) file.push(bytesOf("PK\x07\x08", u32(crc), u32(packedBytes), u32(bytes)));
    const wide = options.zip64 ?? false;
    const extra = wide ? bytesOf(u16(1), u16(24), u64(bytes), u64(packedBytes), u64(offset)) : bytesOf();
    const short = (value: number): number[] => u32(wide ? 0xffffffff : value);
    directory.push(
      bytesOf(
        "PK\x01\x02",
        u16(20),
        u16(20),
        flags,
        u16(method),
        u32(0),
        u32(crc),
        short(packedBytes),
        short(bytes),
        u16(name.length),
        u16(extra.length),
        u16(0),
        u16(0),
        u16(0),
        u32(0),
        short(offset),
        name,
        extra,
      ),
    );
  }
  const at = lengthOf(file);
  const count = members.length;
  file.push(...directory);
  if (zip64) {
    const end = lengthOf(file);
    file.push(
      bytesOf(
        "PK\x06\x06",
        u64(44),
        u16(45),
        u16(45),
        u32(0),
        u32(0),
        u64(count),
        u64(count),
        u64(lengthOf(directory)),
        u64(at),
      ),
    );
    file.push(bytesOf("PK\x06\x07", u32(0), u64(end), u32(1)));
  }
  const [c, s, o] = zip64 ? [0xffff, 0xffffffff, 0xffffffff] : [count, lengthOf(directory), at];
  file.push(bytesOf("PK\x05\x06", u16(0), u16(0), u16(c), u16(c), u32(s), u32(o), u16(comment.length), comment));
  return bytesOf(...file);
}

/** A `.pth` as torch.save writes it since 1.6. */
export function zipPth(
  object: Bytes,
  storages: Readonly<Record<string, Bytes>> = {},
  extra: Readonly<Record<string, Bytes>> = {},
): Bytes {
  return zipOf([
    ["x/data.pkl", pickle.whole(object)],
    ...Object.entries(storages).map(([key, content]) => [`x/data/${key}`, content] as const),
    ...Object.entries(extra).map(([name, content]) => [`x/${name}`, content] as const),
  ]);
}

/** Little-endian float32. */
export const floats = (...values: readonly number[]): Bytes => new Uint8Array(Float32Array.from(values).buffer);

/** A safetensors file of a header, which may say anything, and elements. */
export function safetensorsOf(header: string | object, data: Bytes = bytesOf()): Bytes {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  return bytesOf(u64(text.length), text, data);
}
