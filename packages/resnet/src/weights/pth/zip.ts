import { crc32, inflateRawSync } from "node:zlib";
import type { Budget } from "../budget.ts";
import { Cursor, decodeUtf8 } from "../cursor.ts";
import { WeightsError, shown } from "../errors.ts";

const END = 0x06054b50;
const END_64 = 0x06064b50;
const END_64_LOCATOR = 0x07064b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const END_BYTES = 22;
const MAX_COMMENT_BYTES = 0xffff;
const U32_MAX = 0xffffffff;

interface Member {
  readonly name: string;
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  readonly packedBytes: number;
  readonly bytes: number;
  readonly localOffset: number;
}

/**
 * A zip archive (PKWARE's APPNOTE 6.3), zip64 included, by its central directory: sizes in local headers may be missing where
 * data descriptors are used. Members are checked against their CRC-32 and may not overlap.
 */
export class ZipArchive {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #budget: Budget;
  readonly #members: ReadonlyMap<string, Member>;

  constructor(bytes: Uint8Array<ArrayBuffer>, budget: Budget) {
    this.#bytes = bytes;
    this.#budget = budget;
    this.#members = readDirectory(bytes);
    this.#checkOverlaps();
  }

  names(): Iterable<string> {
    return this.#members.keys();
  }

  has(name: string): boolean {
    return this.#members.has(name);
  }

  /** A member's content: in place where it is stored, inflated where it is deflated. */
  read(name: string): Uint8Array<ArrayBuffer> {
    const member = this.#members.get(name);
    if (!member) throw new WeightsError("truncated", `the zip archive has no member ${shown(name)}`);
    const packed = this.#packed(member);
    const content = member.method === 0 ? packed : this.#inflated(member, packed);
    // 0 with content: written by torch with compute_crc32=False, which torch.load reads too.
    const crc = content.length > 0 && member.crc === 0 ? 0 : crc32(content);
    if (crc !== member.crc)
      throw new WeightsError(
        "corrupt",
        `${shown(name)} is damaged: its CRC-32 is ${hex(crc)} instead of ${hex(member.crc)}`,
      );
    return content;
  }

  #packed(member: Member): Uint8Array<ArrayBuffer> {
    const title = `zip member ${shown(member.name)}`;
    if (member.flags & 1) throw new WeightsError("unsupported", `${title} is encrypted`);
    const local = new Cursor(this.#bytes, title, member.localOffset);
    if (member.localOffset > this.#bytes.length || local.u32() !== LOCAL)
      throw new WeightsError("corrupt", `${title} is not where the directory says, at byte ${member.localOffset}`);
    local.take(4);
    const method = local.u16();
    local.take(16);
    const nameBytes = local.u16();
    const extraBytes = local.u16();
    const name = decodeUtf8(local.take(nameBytes), title);
    if (name !== member.name || method !== member.method)
      throw new WeightsError("corrupt", `${title} is called ${shown(name)} (method ${method}) where it lies`);
    local.take(extraBytes);
    return local.take(member.packedBytes);
  }

  #inflated(member: Member, packed: Uint8Array): Uint8Array<ArrayBuffer> {
    const title = shown(member.name);
    if (member.method !== 8)
      throw new WeightsError(
        "unsupported",
        `${title} is compressed by method ${member.method}, not stored or deflated`,
      );
    this.#budget.spend(member.bytes, `inflating ${title}`);
    let content: Uint8Array<ArrayBuffer>;
    try {
      // One byte more, to notice what is longer than it says without inflating all of it.
      content = Uint8Array.from(inflateRawSync(packed, { maxOutputLength: member.bytes + 1 }));
    } catch (error) {
      throw new WeightsError("corrupt", `${title} can't be inflated to its ${member.bytes} bytes (${String(error)})`);
    }
    if (content.length !== member.bytes)
      throw new WeightsError("corrupt", `${title} inflates to ${content.length} bytes instead of ${member.bytes}`);
    return content;
  }

  // Members over one another are how small archives unfold into huge ones (Fifield 2019, "A better zip bomb").
  #checkOverlaps(): void {
    const sorted = [...this.#members.values()].sort((a, b) => a.localOffset - b.localOffset);
    let end = 0;
    for (const member of sorted) {
      if (member.localOffset < end)
        throw new WeightsError("corrupt", `zip member ${shown(member.name)} lies over another one`);
      end = member.localOffset + 30 + member.packedBytes;
    }
    if (end > this.#bytes.length)
      throw new WeightsError(
        "truncated",
        `the zip archive ends too early: its members need ${end} bytes of ${this.#bytes.length}`,
      );
  }
}

const hex = (value: number): string => value.toString(16).padStart(8, "0");

function readDirectory(bytes: Uint8Array<ArrayBuffer>): ReadonlyMap<string, Member> {
  const { offset, size, count } = findDirectory(bytes);
  if (!(offset + size <= bytes.length))
    throw new WeightsError(
      "corrupt",
      `the zip directory lies at bytes ${offset} to ${offset + size} of ${bytes.length}`,
    );
  const cursor = new Cursor(bytes.subarray(offset, offset + size), "the zip directory");
  const members = new Map<string, Member>();
  for (let i = 0; i < count; i++) {
    const member = readCentralHeader(cursor);
    if (members.has(member.name)) throw new WeightsError("corrupt", `two zip members are called ${shown(member.name)}`);
    members.set(member.name, member);
  }
  return members;
}

interface DirectoryPlace {
  readonly offset: number;
  readonly size: number;
  readonly count: number;
}

function findDirectory(bytes: Uint8Array<ArrayBuffer>): DirectoryPlace {
  const end = findEnd(bytes);
  const locator = end - 20;
  if (locator >= 0) {
    const cursor = new Cursor(bytes, "the zip64 locator", locator);
    if (cursor.u32() === END_64_LOCATOR) {
      cursor.take(4);
      return readEnd64(bytes, cursor.size64());
    }
  }
  const cursor = new Cursor(bytes, "the end of the zip directory", end + 10);
  return { count: cursor.u16(), size: cursor.u32(), offset: cursor.u32() };
}

// From the back, over a comment; its length has to reach the end of the file exactly.
function findEnd(bytes: Uint8Array<ArrayBuffer>): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const last = bytes.length - END_BYTES;
  for (let at = last; at >= Math.max(0, last - MAX_COMMENT_BYTES); at--) {
    if (view.getUint32(at, true) === END && view.getUint16(at + 20, true) === last - at) return at;
  }
  throw new WeightsError(
    "truncated",
    "a zip archive without its directory, which stands at the end: the file is cut off",
  );
}

function readEnd64(bytes: Uint8Array<ArrayBuffer>, at: number): DirectoryPlace {
  if (at > bytes.length)
    throw new WeightsError("corrupt", `the zip64 directory is said to end at byte ${at} of ${bytes.length}`);
  const cursor = new Cursor(bytes, "the end of the zip64 directory", at);
  if (cursor.u32() !== END_64) throw new WeightsError("corrupt", `no end of the zip64 directory at byte ${at}`);
  cursor.take(28);
  return { count: cursor.size64(), size: cursor.size64(), offset: cursor.size64() };
}

function readCentralHeader(cursor: Cursor): Member {
  if (cursor.u32() !== CENTRAL)
    throw new WeightsError("corrupt", `${cursor.title} is damaged at its byte ${cursor.at - 4}`);
  cursor.take(4);
  const flags = cursor.u16();
  const method = cursor.u16();
  cursor.take(4);
  const crc = cursor.u32();
  const packedBytes = cursor.u32();
  const bytes = cursor.u32();
  const nameBytes = cursor.u16();
  const extraBytes = cursor.u16();
  const commentBytes = cursor.u16();
  cursor.take(8);
  const localOffset = cursor.u32();
  const name = decodeUtf8(cursor.take(nameBytes), cursor.title);
  const extra = new Cursor(cursor.take(extraBytes), `the zip directory's extra fields of ${shown(name)}`);
  cursor.take(commentBytes);
  const wide = { bytes, packedBytes, localOffset };
  // Zip64 holds only those of the three that don't fit into 32 bits, in this order.
  while (extra.left >= 4) {
    const id = extra.u16();
    const field = new Cursor(extra.take(extra.u16()), extra.title);
    if (id !== 1) continue;
    for (const key of ["bytes", "packedBytes", "localOffset"] as const)
      if (wide[key] === U32_MAX) wide[key] = field.size64();
  }
  if (method === 0 && wide.bytes !== wide.packedBytes)
    throw new WeightsError(
      "corrupt",
      `${shown(name)} is stored but has two sizes, ${wide.packedBytes} and ${wide.bytes}`,
    );
  return { name, flags, method, crc, ...wide };
}
