import type { nn, Shape } from "@fracture/tensor";
import { Budget } from "../budget.ts";
import { Cursor, decodeUtf8 } from "../cursor.ts";
import { ELEMENT_BYTES, MAX_DIMENSIONS, countOf, toEntry, type StoredType } from "../dtype.ts";
import { WeightsError, shown } from "../errors.ts";
import { parseJson, type JsonValue } from "./json.ts";

/** ResNet-152's header takes 90 kB. The format allows 100 MB, which is of no use to anyone but an attacker. */
export const MAX_HEADER_BYTES = 16 * 2 ** 20;

const DTYPES: Readonly<Record<string, StoredType>> = {
  F64: "float64",
  F32: "float32",
  F16: "float16",
  BF16: "bfloat16",
  I64: "int64",
  I32: "int32",
  I16: "int16",
  I8: "int8",
  U8: "uint8",
  BOOL: "bool",
};

export interface Safetensors {
  /** Name -> tensor, in the order of the header. */
  readonly state: nn.StateDict;
  /** The header's `__metadata__`. */
  readonly metadata: Readonly<Record<string, string>>;
}

interface Described {
  readonly name: string;
  readonly type: StoredType;
  readonly shape: Shape;
  readonly begin: number;
  readonly end: number;
}

/**
 * Reads a whole safetensors file (https://huggingface.co/docs/safetensors: a length, a JSON header, the elements).
 * Floats of any width become f32, integers and booleans i64. float32 and int64 are views of `bytes`, not copies.
 *
 * @throws WeightsError: a header that is huge or no JSON, unknown dtypes, shapes that overflow or don't match their bytes,
 * elements that overlap, leave gaps or lie outside the file, names that occur twice.
 */
export function readSafetensors(bytes: Uint8Array<ArrayBuffer>): Safetensors {
  const cursor = new Cursor(bytes, "the safetensors file");
  const headerBytes = cursor.size64();
  if (headerBytes > MAX_HEADER_BYTES)
    throw new WeightsError("limit", `a safetensors header of ${headerBytes} bytes, more than ${MAX_HEADER_BYTES}`);
  const header = parseJson(decodeUtf8(cursor.take(headerBytes), "the safetensors header"), "the safetensors header");
  if (!(header instanceof Map)) throw new WeightsError("corrupt", "the safetensors header is not a JSON object");
  const data = cursor.take(cursor.left);
  const described: Described[] = [];
  let metadata: Readonly<Record<string, string>> = {};
  for (const [name, value] of header as ReadonlyMap<string, JsonValue>) {
    if (name === "__metadata__") metadata = readMetadata(value);
    else described.push(describe(name, value));
  }
  checkLayout(described, data.length);
  const budget = new Budget(bytes.length);
  const state = new Map(
    described.map(({ name, type, shape, begin, end }): [string, nn.StateEntry] => [
      name,
      toEntry(type, shape, data.subarray(begin, end), budget, `tensor ${shown(name)}`),
    ]),
  );
  return { state, metadata };
}

function describe(name: string, value: JsonValue): Described {
  const title = `tensor ${shown(name)}`;
  if (!(value instanceof Map)) throw new WeightsError("corrupt", `${title} is not described by a JSON object`);
  const fields = value as ReadonlyMap<string, JsonValue>;
  const dtype = fields.get("dtype");
  const type = typeof dtype === "string" && Object.hasOwn(DTYPES, dtype) ? DTYPES[dtype] : undefined;
  if (!type)
    throw new WeightsError(
      "unsupported",
      `${title} has ${typeof dtype === "string" ? `the dtype ${shown(dtype)}, which is not read here` : "no dtype"}`,
    );
  const shape = sizes(fields.get("shape"), `the shape of ${title}`);
  if (shape.length > MAX_DIMENSIONS) throw new WeightsError("corrupt", `${title} has ${shape.length} dimensions`);
  const offsets = sizes(fields.get("data_offsets"), `data_offsets of ${title}`);
  const [begin, end] = offsets;
  if (begin === undefined || end === undefined || offsets.length !== 2 || begin > end)
    throw new WeightsError("corrupt", `data_offsets of ${title} are not a begin and an end`);
  const needed = countOf(shape) * ELEMENT_BYTES[type];
  if (!Number.isSafeInteger(needed) || needed !== end - begin)
    throw new WeightsError(
      "corrupt",
      `${title} [${shape.join(",")}] of ${dtype as string} needs ${needed} bytes, but has ${end - begin}`,
    );
  return { name, type, shape, begin, end };
}

function sizes(value: JsonValue | undefined, title: string): Shape {
  const numbers = Array.isArray(value) ? (value as readonly JsonValue[]) : null;
  if (!numbers?.every((n): n is number => typeof n === "number" && Number.isSafeInteger(n) && n >= 0))
    throw new WeightsError("corrupt", `${title} is not a list of sizes`);
  return numbers.map(Number);
}

function readMetadata(value: JsonValue): Readonly<Record<string, string>> {
  const entries = value instanceof Map ? [...(value as ReadonlyMap<string, JsonValue>)] : null;
  if (!entries?.every((entry): entry is [string, string] => typeof entry[1] === "string"))
    throw new WeightsError("corrupt", "the safetensors header's __metadata__ is not an object of strings");
  // Own properties whatever their names are, "__proto__" included.
  return Object.fromEntries(entries);
}

/** The elements lie one after the other, without gaps, and fill the file. */
function checkLayout(described: readonly Described[], length: number): void {
  let at = 0;
  for (const { name, begin, end } of described.toSorted((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (end > length)
      throw new WeightsError(
        "truncated",
        `tensor ${shown(name)} lies at bytes ${begin} to ${end}, but the file has ${length} bytes of elements`,
      );
    if (begin !== at)
      throw new WeightsError(
        "corrupt",
        `tensor ${shown(name)} ${begin < at ? "overlaps another one" : "leaves a gap before it"} (it begins at byte ${begin}, not ${at})`,
      );
    at = end;
  }
  if (at !== length) throw new WeightsError("corrupt", `${length - at} bytes behind the last tensor belong to none`);
}
