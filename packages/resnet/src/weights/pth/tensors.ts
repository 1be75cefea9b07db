import type { nn, Shape } from "@fracture/tensor";
import type { Budget } from "../budget.ts";
import { ELEMENT_BYTES, aligned, countOf, toEntry, type StoredType } from "../dtype.ts";
import { WeightsError, shown } from "../errors.ts";
import { ExternalObject } from "./values.ts";

/** Elements in the file that tensors look at. Where a container puts them behind the pickle, `bytes` comes later. */
export class StoredData extends ExternalObject {
  readonly title: string;
  readonly type: StoredType;
  /** Elements that the pickle claims. */
  readonly count: number;
  bytes: Uint8Array<ArrayBuffer> | null = null;
  bigEndian = false;

  constructor(title: string, type: StoredType, count: number) {
    super();
    this.title = title;
    this.type = type;
    this.count = count;
  }

  get byteLength(): number {
    return this.count * ELEMENT_BYTES[this.type];
  }
}

/** A part of a storage: what tensors point to. `offset` and `count` are elements. */
export class StorageRef extends ExternalObject {
  readonly title: string;
  readonly data: StoredData;
  readonly offset: number;
  readonly count: number;

  constructor(data: StoredData, offset = 0, count = data.count) {
    super();
    if (!(offset + count <= data.count))
      throw new WeightsError(
        "corrupt",
        `a view of elements ${offset} to ${offset + count} of ${data.title}, which has ${data.count}`,
      );
    this.title = data.title;
    this.data = data;
    this.offset = offset;
    this.count = count;
  }
}

/** A tensor as the pickle describes it: nothing is read before `materialise`. */
export class TensorRef extends ExternalObject {
  readonly title = "a tensor";
  storage: StorageRef | null;
  offset: number;
  size: Shape;
  stride: Shape;

  constructor(storage: StorageRef | null, offset: number, size: Shape, stride: Shape) {
    super();
    this.storage = storage;
    this.offset = offset;
    this.size = size;
    this.stride = stride;
  }
}

/** Checks a tensor against its storage and brings its elements into row-major order, in place where they are so already. */
export function materialise(name: string, tensor: TensorRef, budget: Budget): nn.StateEntry {
  const { storage, offset, size, stride } = tensor;
  const title = `tensor ${shown(name)}`;
  if (!storage) {
    if (countOf(size) === 0) return { dtype: "f32", shape: size, data: new Float32Array() };
    throw new WeightsError("corrupt", `${title} has the shape [${size.join(",")}] but no storage`);
  }
  const { data } = storage;
  if (size.length !== stride.length)
    throw new WeightsError("corrupt", `${title} has ${size.length} dimensions but ${stride.length} strides`);
  const count = countOf(size);
  const last = count === 0 ? -1 : offset + size.reduce((at, n, d) => at + (n - 1) * stride[d]!, 0);
  if (!(last < storage.count) || !(count <= Number.MAX_SAFE_INTEGER))
    throw new WeightsError(
      "corrupt",
      `${title} [${size.join(",")}] with strides [${stride.join(",")}] and offset ${offset} reaches beyond ${data.title}, which has ${storage.count} elements`,
    );
  if (!data.bytes) throw new WeightsError("truncated", `${title}: the elements of ${data.title} are not in the file`);
  const width = ELEMENT_BYTES[data.type];
  const first = (storage.offset + (count === 0 ? 0 : offset)) * width;
  let packed = data.bytes.subarray(first, first + count * width);
  if (count > 0 && !isContiguous(size, stride)) {
    budget.spend(count * width, title);
    packed = gather(
      data.bytes.subarray(first, (storage.offset + last + 1) * width),
      width,
      size,
      stride,
      budget,
      title,
    );
  }
  if (data.bigEndian && width !== 1) {
    budget.spend(packed.length, title);
    packed = swapped(packed, width);
  }
  return toEntry(data.type, size, packed, budget, title);
}

function isContiguous(size: Shape, stride: Shape): boolean {
  let step = 1;
  for (let d = size.length - 1; d >= 0; d--) {
    if (size[d] !== 1 && stride[d] !== step) return false;
    step *= size[d]!;
  }
  return true;
}

const ARRAY_OF_WIDTH = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array, 8: BigUint64Array } as const;

/** Elements of any strides -> row-major. `bytes` starts at the tensor's first element. */
function gather(
  bytes: Uint8Array<ArrayBuffer>,
  width: 1 | 2 | 4 | 8,
  size: Shape,
  stride: Shape,
  budget: Budget,
  title: string,
): Uint8Array<ArrayBuffer> {
  const from = aligned(bytes, width, budget, title);
  const source = new ARRAY_OF_WIDTH[width](from.buffer, from.byteOffset, from.length / width);
  const target = new ARRAY_OF_WIDTH[width](countOf(size));
  const innerSize = size.at(-1)!;
  const innerStride = stride.at(-1)!;
  const index = size.map(() => 0);
  for (let to = 0, at = 0; to < target.length;) {
    for (let i = 0; i < innerSize; i++) target[to++] = source[at + i * innerStride]!;
    // The next row: an odometer over the outer dimensions.
    for (let d = size.length - 2; d >= 0; d--) {
      at += stride[d]!;
      if (++index[d]! < size[d]!) break;
      at -= stride[d]! * size[d]!;
      index[d] = 0;
    }
  }
  return new Uint8Array(target.buffer);
}

function swapped(bytes: Uint8Array, width: 2 | 4 | 8): Uint8Array<ArrayBuffer> {
  const copy = Uint8Array.from(bytes);
  const view = Buffer.from(copy.buffer);
  if (width === 2) view.swap16();
  else if (width === 4) view.swap32();
  else view.swap64();
  return copy;
}
