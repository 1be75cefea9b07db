import type { Shape } from "@fracture/tensor";
import { MAX_DIMENSIONS, type StoredType } from "../dtype.ts";
import { WeightsError, shown } from "../errors.ts";
import { StorageRef, TensorRef } from "./tensors.ts";
import { ExternalObject, PickleDict, describeValue, type PickleValue, type PickleWorld } from "./values.ts";

/** torch.FloatStorage and torch.FloatTensor by their first word; also with torch.cuda. */
const ELEMENT_TYPES: Readonly<Record<string, StoredType>> = {
  Double: "float64",
  Float: "float32",
  Half: "float16",
  BFloat16: "bfloat16",
  Long: "int64",
  Int: "int32",
  Short: "int16",
  Char: "int8",
  Byte: "uint8",
  Bool: "bool",
  Untyped: "uint8",
};

type Construct = (args: readonly PickleValue[], name: string) => PickleValue;

/** An allowed name. What it does, if anything, is `construct`: our own code, never the file's. */
export class AllowedGlobal extends ExternalObject {
  readonly title: string;
  readonly elementType: StoredType | null;
  readonly construct: Construct | null;

  constructor(title: string, construct: Construct | null, elementType: StoredType | null = null) {
    super();
    this.title = title;
    this.construct = construct;
    this.elementType = elementType;
  }
}

/** A dict class, a tensor with a gradient, and the ways in which torch 0.1 to 2.x write a tensor down. */
const FUNCTIONS: Readonly<Record<string, Construct>> = {
  "collections.OrderedDict": orderedDict,
  "torch._utils._rebuild_tensor": rebuildTensor,
  "torch._utils._rebuild_tensor_v2": rebuildTensor,
  "torch._utils._rebuild_parameter": parameterData,
  "torch._utils._rebuild_parameter_with_state": parameterData,
  "torch.nn.parameter.Parameter": parameterData,
  "torch.Size": (args, name) => asArray(args[0] ?? [], name),
};

/**
 * The names and objects that a state dict is made of. What isn't here is refused by name, and so is everything that would
 * need code to run.
 */
export class TorchWorld implements PickleWorld {
  readonly #title: string;
  readonly #persistent: (id: PickleValue) => PickleValue;

  constructor(title: string, persistent: (id: PickleValue) => PickleValue) {
    this.#title = title;
    this.#persistent = persistent;
  }

  global(module: string, name: string): PickleValue {
    const full = `${module}.${name}`;
    const construct = Object.hasOwn(FUNCTIONS, full) ? FUNCTIONS[full] : undefined;
    if (construct) return new AllowedGlobal(full, construct);
    const typed = /^torch(?:\.cuda|\.storage)?\.([A-Z][A-Za-z0-9]*)(Storage|Tensor)$/.exec(full);
    if (typed) {
      const [, word = "", kind] = typed;
      const type = Object.hasOwn(ELEMENT_TYPES, word) ? ELEMENT_TYPES[word] : undefined;
      if (!type)
        throw new WeightsError("unsupported", `${this.#title}: elements of type ${shown(full)} are not read here`);
      return new AllowedGlobal(full, kind === "Tensor" ? emptyTensor : null, type);
    }
    throw new WeightsError(
      "unsafe",
      `${this.#title} asks for the Python object ${shown(full)}, which is not on the list of what weights need. ` +
        "Nothing was run. If the file is trusted, save only its tensors in Python: torch.save(model.state_dict(), path)",
    );
  }

  construct(callable: PickleValue, args: readonly PickleValue[]): PickleValue {
    if (callable instanceof AllowedGlobal && callable.construct) return callable.construct(args, callable.title);
    throw new WeightsError("unsafe", `${this.#title} wants to call ${describeValue(callable)}; nothing was run`);
  }

  /**
   * Attributes of an OrderedDict (`_metadata`) and of a Parameter (gradient flags) don't matter here. Tensors of torch
   * 0.1 carry their storage in the state: (storage, offset, size, stride), or a Variable's (data, creator, hooks, ...).
   */
  setState(object: PickleValue, state: PickleValue): void {
    if (object instanceof PickleDict) return;
    if (!(object instanceof TensorRef))
      throw new WeightsError("unsafe", `${this.#title} sets attributes of ${describeValue(object)}; nothing was run`);
    if (!Array.isArray(state)) return;
    const values: readonly PickleValue[] = state;
    const source =
      values.length === 4 ? rebuildTensor(values, "a tensor's state") : values.length === 5 ? values[0] : null;
    if (!(source instanceof TensorRef)) return;
    object.storage = source.storage;
    object.offset = source.offset;
    object.size = source.size;
    object.stride = source.stride;
  }

  persistent(id: PickleValue): PickleValue {
    return this.#persistent(id);
  }
}

/** OrderedDict() or OrderedDict([[key, value], ...]), the latter from Python 2. */
function orderedDict(args: readonly PickleValue[], name: string): PickleValue {
  const dict = new PickleDict();
  for (const pair of asArray(args[0] ?? [], name)) {
    const [key, value] = asArray(pair, name);
    if (key === undefined || value === undefined)
      throw new WeightsError("corrupt", `${name} of something other than pairs`);
    dict.set(key, value);
  }
  return dict;
}

/** (storage, offset, size, stride, ...) */
function rebuildTensor(args: readonly PickleValue[], name: string): TensorRef {
  const [storage, offset = null, size = null, stride = null] = args;
  if (!(storage instanceof StorageRef))
    throw new WeightsError("corrupt", `${name} of ${describeValue(storage ?? null)} instead of a storage`);
  return new TensorRef(storage, asSize(offset, name), asShape(size, name), asShape(stride, name));
}

/** (data, ...): a Parameter is its data. Torch 0.1 makes it empty and sets the state afterwards. */
function parameterData(args: readonly PickleValue[], name: string): PickleValue {
  const [data = null] = args;
  if (data === null) return new TensorRef(null, 0, [0], [1]);
  if (data instanceof TensorRef) return data;
  throw new WeightsError("corrupt", `${name} of ${describeValue(data)} instead of a tensor`);
}

const emptyTensor = (): TensorRef => new TensorRef(null, 0, [0], [1]);

function asArray(value: PickleValue, name: string): readonly PickleValue[] {
  if (Array.isArray(value)) return value;
  throw new WeightsError("corrupt", `${name} of ${describeValue(value)} instead of a list`);
}

function asShape(value: PickleValue, name: string): Shape {
  const sizes = asArray(value, name);
  if (sizes.length > MAX_DIMENSIONS) throw new WeightsError("corrupt", `${name} with ${sizes.length} dimensions`);
  return sizes.map((size) => asSize(size, name));
}

/** A size, offset or stride: an integer from 0 to 2^53. */
export function asSize(value: PickleValue, name: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new WeightsError("corrupt", `${name} with ${describeValue(value)} where a size, offset or stride belongs`);
}
