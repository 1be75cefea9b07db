import { Cursor } from "../cursor.ts";
import { WeightsError, shown } from "../errors.ts";
import { StorageRef, StoredData } from "./tensors.ts";
import { AllowedGlobal, TorchWorld, asSize } from "./torchWorld.ts";
import { unpickle } from "./unpickle.ts";
import { describeValue, type PickleValue } from "./values.ts";

export const MAGIC_NUMBER = 0x1950a86a20f9469cfc6cn;
const PROTOCOL_VERSION = 1001;

/**
 * torch.save from 0.1.10 to 1.5: pickles of the magic number, 1001, system information, the object and the list of
 * storage keys; then each storage, its int64 count first. Source: torch/serialization.py, `_legacy_save` and `_legacy_load`.
 */
export function readLegacyPth(bytes: Uint8Array<ArrayBuffer>): PickleValue {
  const cursor = new Cursor(bytes, "the pickle stream");
  const storages = new Map<string, StoredData>();
  const world = new TorchWorld(cursor.title, (id) => storageOf(id, storages));
  const magic = unpickle(cursor, world);
  if (magic !== MAGIC_NUMBER)
    throw new WeightsError("format", `a Python pickle of ${describeValue(magic)}, but not a file of torch.save`);
  const version = unpickle(cursor, world);
  if (version !== PROTOCOL_VERSION)
    throw new WeightsError(
      "unsupported",
      `version ${describeValue(version)} of torch's pickle stream instead of ${PROTOCOL_VERSION}`,
    );
  unpickle(cursor, world);
  const object = unpickle(cursor, world);
  const keys = unpickle(cursor, world);
  if (!Array.isArray(keys)) throw new WeightsError("corrupt", `${describeValue(keys)} instead of the list of storages`);
  for (const key of keys as readonly PickleValue[]) {
    const data = typeof key === "string" ? storages.get(key) : undefined;
    if (!data)
      throw new WeightsError("corrupt", `the list of storages has ${describeValue(key)}, which nothing refers to`);
    const count = cursor.size64();
    if (count !== data.count)
      throw new WeightsError("corrupt", `${data.title} has ${count} elements, but the pickle says ${data.count}`);
    data.bytes = cursor.take(data.byteLength);
  }
  return object;
}

/** ('storage', type, key, location, numel, view), view being None or (key, offset, numel). */
function storageOf(id: PickleValue, storages: Map<string, StoredData>): PickleValue {
  const [kind, type, key, , numel = null, view = null] = Array.isArray(id) ? (id as readonly PickleValue[]) : [];
  const elementType = type instanceof AllowedGlobal ? type.elementType : null;
  if (kind !== "storage" || !elementType || typeof key !== "string")
    throw new WeightsError("corrupt", "the pickle stream refers to something other than a storage");
  const title = `storage ${shown(key)}`;
  const count = asSize(numel, title);
  const data = storages.get(key) ?? new StoredData(title, elementType, count);
  storages.set(key, data);
  if (data.type !== elementType || data.count !== count)
    throw new WeightsError(
      "corrupt",
      `${title} is ${data.count} elements of ${data.type} and ${count} of ${elementType}`,
    );
  if (view === null) return new StorageRef(data);
  const [, offset = null, length = null] = Array.isArray(view) ? (view as readonly PickleValue[]) : [];
  return new StorageRef(data, asSize(offset, title), asSize(length, title));
}
