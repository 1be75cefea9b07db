import { Cursor } from "../cursor.ts";
import { ELEMENT_BYTES, MAX_DIMENSIONS } from "../dtype.ts";
import { WeightsError, shown } from "../errors.ts";
import { readTar } from "./tar.ts";
import { StorageRef, StoredData, TensorRef } from "./tensors.ts";
import { AllowedGlobal, TorchWorld, asSize } from "./torchWorld.ts";
import { unpickle } from "./unpickle.ts";
import { describeValue, type PickleValue } from "./values.ts";

/**
 * torch.save of 0.1.1 to 0.1.9: a tar archive of `storages` (elements), `tensors` (shapes and strides) and `pickle` (the object,
 * which refers to both by number). Source: torch/serialization.py, `legacy_load`.
 */
export function readTarPth(bytes: Uint8Array<ArrayBuffer>): PickleValue {
  const members = readTar(bytes);
  const open = (name: string): Cursor => {
    const content = members.get(name);
    if (!content)
      throw new WeightsError(
        "format",
        `a tar archive, but not one of torch.save: it has no ${name} (${members.size} members)`,
      );
    return new Cursor(content, `the member ${name}`);
  };
  const pickle = open("pickle");
  const objects = readStorages(open("storages"));
  readTensors(open("tensors"), objects);
  return unpickle(pickle, new TorchWorld(pickle.title, (id) => lookUp(objects, id, pickle.title)));
}

type Objects = Map<string, StorageRef | TensorRef>;

// Numbers in `storages` and `tensors`, the same as text in `pickle`.
function keyOf(id: PickleValue, title: string): string {
  if (typeof id === "number" || typeof id === "bigint" || typeof id === "string") return String(id);
  throw new WeightsError("corrupt", `${title} refers to an object by ${describeValue(id)} instead of its number`);
}

function lookUp(objects: Objects, id: PickleValue, title: string): StorageRef | TensorRef {
  const found = objects.get(keyOf(id, title));
  if (!found)
    throw new WeightsError("corrupt", `${title} refers to ${shown(keyOf(id, title))}, which is not in the file`);
  return found;
}

function readList(cursor: Cursor, world: TorchWorld): readonly PickleValue[] {
  const value = unpickle(cursor, world);
  if (!Array.isArray(value))
    throw new WeightsError("corrupt", `${cursor.title}: ${describeValue(value)} instead of a list`);
  return value as readonly PickleValue[];
}

/** A count; for each storage (key, location, type), an int64 count and the elements; then views (key, root, offset, count). */
function readStorages(cursor: Cursor): Objects {
  const { title } = cursor;
  const world = plainWorld(title);
  const objects: Objects = new Map();
  const count = asSize(unpickle(cursor, world), title);
  for (let i = 0; i < count; i++) {
    const [key = null, , type] = readList(cursor, world);
    const elementType = type instanceof AllowedGlobal ? type.elementType : null;
    if (!elementType) throw new WeightsError("corrupt", `${title}: a storage of ${describeValue(type ?? null)}`);
    const id = keyOf(key, title);
    const data = new StoredData(`storage ${shown(id)}`, elementType, cursor.size64());
    data.bytes = cursor.take(data.count * ELEMENT_BYTES[elementType]);
    objects.set(id, new StorageRef(data));
  }
  for (const view of readList(cursor, world)) {
    const [key = null, root = null, offset = null, length = null] = Array.isArray(view)
      ? (view as readonly PickleValue[])
      : [];
    const parent = lookUp(objects, root, title);
    if (!(parent instanceof StorageRef)) throw new WeightsError("corrupt", `${title}: a view of a tensor`);
    objects.set(keyOf(key, title), new StorageRef(parent.data, asSize(offset, title), asSize(length, title)));
  }
  return objects;
}

/** A count; for each tensor (key, storage, type), then int32 dimensions, 4 unused bytes, sizes, strides and offset as int64. */
function readTensors(cursor: Cursor, objects: Objects): void {
  const { title } = cursor;
  const world = plainWorld(title);
  const count = asSize(unpickle(cursor, world), title);
  for (let i = 0; i < count; i++) {
    const [key = null, storageId = null] = readList(cursor, world);
    const storage = storageId === null ? null : lookUp(objects, storageId, title);
    if (storage instanceof TensorRef) throw new WeightsError("corrupt", `${title}: a tensor over a tensor`);
    const dimensions = cursor.i32();
    if (!(dimensions >= 0 && dimensions <= MAX_DIMENSIONS))
      throw new WeightsError("corrupt", `${title}: a tensor of ${dimensions} dimensions`);
    cursor.take(4);
    const size = Array.from({ length: dimensions }, () => cursor.size64());
    const stride = Array.from({ length: dimensions }, () => cursor.size64());
    objects.set(keyOf(key, title), new TensorRef(storage, cursor.size64(), size, stride));
  }
}

const plainWorld = (title: string): TorchWorld =>
  new TorchWorld(title, () => {
    throw new WeightsError("corrupt", `${title} refers to an object where only numbers belong`);
  });
