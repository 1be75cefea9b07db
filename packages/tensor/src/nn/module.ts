import { TensorError } from "../errors.ts";
import { sameShape, sizeOf } from "../shape.ts";
import { Tensor } from "../tensor.ts";
import { toEngineLayout, toTorchLayout, type StateDict, type StateEntry } from "./stateDict.ts";

/** A tensor of a module that is saved but not trained: running statistics. */
export class Buffer {
  readonly tensor: Tensor;

  constructor(tensor: Tensor) {
    this.tensor = tensor;
  }
}

/** A count on the host that is saved with the module as an int64 scalar: `num_batches_tracked`. */
export class Counter {
  value = 0;
}

/** What goes wrong when a state dict doesn't fit a module: every name that is missing, unexpected or of another shape. */
export class StateDictError extends Error {
  override readonly name = "StateDictError";
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
  readonly mismatched: readonly string[];

  constructor(missing: readonly string[], unexpected: readonly string[], mismatched: readonly string[]) {
    const part = (title: string, names: readonly string[]): string =>
      names.length > 0 ? `\n  ${title}: ${names.join(", ")}` : "";
    super(
      `the state dict does not fit the model${part("missing", missing)}${part("unexpected", unexpected)}${part("of another shape", mismatched)}`,
    );
    this.missing = missing;
    this.unexpected = unexpected;
    this.mismatched = mismatched;
  }
}

type Member = { readonly name: string; readonly owner: Module; readonly value: Tensor | Buffer | Counter };

/**
 * Base of layers and models, as torch's `nn.Module`: attributes that are tensors are parameters, those that are
 * modules or arrays of modules are children, and the attributes' names are the names in a state dict
 * (`layer1.0.conv1.weight`).
 */
export abstract class Module {
  /** Training behaviour (batch statistics) or inference (running statistics). Set by `train()` and `eval()`. */
  training = true;

  /** Names of attributes in a state dict where they differ from the attribute's own. */
  protected readonly stateNames: Readonly<Record<string, string>> = {};

  /** The layer's result; its own docstring says which shapes. */
  abstract forward(x: Tensor): Tensor;

  /** Children with their names, in order of definition. */
  *namedChildren(): Generator<[string, Module]> {
    for (const [key, value] of Object.entries(this)) {
      if (value instanceof Module) yield [key, value];
      else if (Array.isArray(value))
        for (const [i, child] of value.entries()) if (child instanceof Module) yield [`${key}.${i}`, child];
    }
  }

  /** This module and all below it, with dotted names; the root's is "". */
  *namedModules(prefix = ""): Generator<[string, Module]> {
    yield [prefix, this];
    for (const [name, child] of this.namedChildren()) yield* child.namedModules(prefix ? `${prefix}.${name}` : name);
  }

  /** Trainable tensors with dotted names, in order of definition; one that is shared comes once, under its first name. */
  namedParameters(): [string, Tensor][] {
    const seen = new Set<Tensor>();
    return [...this.#members()].flatMap(({ name, value }) => {
      if (!(value instanceof Tensor) || seen.has(value)) return [];
      seen.add(value);
      return [[name, value] as [string, Tensor]];
    });
  }

  /** Trainable tensors, for an optimiser: `new Adam(model.parameters())`. */
  parameters(): Tensor[] {
    return this.namedParameters().map(([, parameter]) => parameter);
  }

  /**
   * Gives the weights that products read (those of two dimensions and more) f16 copies, for `autocast`, where they have none: made once
   * and kept as the weights are, instead of being cast in every step. Those that are trained are better copied by their
   * optimiser (`halfCopies`). Throws a TensorError on a device without f16.
   */
  makeHalfCopies(): void {
    for (const weight of this.parameters()) if (weight.shape.length > 1 && !weight.half) weight.keepHalf();
  }

  /** Puts this module and all below it into training mode. */
  train(training = true): this {
    for (const [, module] of this.namedModules()) module.training = training;
    return this;
  }

  /** Puts this module and all below it into inference mode. */
  eval(): this {
    return this.train(false);
  }

  /**
   * Reads what is saved, in torch's names and layout (filters OIHW), in order of definition; only the names that pass
   * `filter` where it is given.
   */
  async stateDict(filter: (name: string) => boolean = () => true): Promise<StateDict> {
    const entries = new Map<string, StateEntry>();
    for (const { name, value } of [...this.#members()].filter((member) => filter(member.name))) {
      if (value instanceof Counter) {
        entries.set(name, { dtype: "i64", shape: [], data: BigInt64Array.of(BigInt(value.value)) });
        continue;
      }
      // One after the other: each reading at once would need a staging buffer of its own.
      const tensor = value instanceof Buffer ? value.tensor : value;
      entries.set(name, toTorchLayout(tensor.shape, (await tensor.data()) as Float32Array<ArrayBuffer>));
    }
    return entries;
  }

  /**
   * Overwrites everything that is saved, or with `partial` what the dict holds. `num_batches_tracked` may be missing (files
   * older than torch 0.4.1). Throws a StateDictError with the whole list of names that don't fit, and then has changed
   * nothing.
   */
  loadStateDict(state: StateDict, { partial = false }: { readonly partial?: boolean } = {}): void {
    const members = [...this.#members()];
    const names = new Set(members.map(({ name }) => name));
    const missing = members
      .filter(({ name, value }) => !partial && !state.has(name) && !(value instanceof Counter))
      .map(({ name }) => name);
    const unexpected = [...state.keys()].filter((name) => !names.has(name));
    const writes: (() => void)[] = [];
    const mismatched: string[] = [];
    for (const { name, value } of members) {
      const entry = state.get(name);
      if (!entry) continue;
      if (value instanceof Counter) {
        if (sizeOf(entry.shape) === 1) writes.push(() => void (value.value = Number(entry.data[0])));
        else mismatched.push(`${name} [${entry.shape.join(",")}] instead of []`);
        continue;
      }
      const tensor = value instanceof Buffer ? value.tensor : value;
      if (entry.data.length !== sizeOf(entry.shape)) {
        mismatched.push(`${name} [${entry.shape.join(",")}] with ${entry.data.length} values`);
        continue;
      }
      const { shape, data } = toEngineLayout(entry);
      if (sameShape(shape, tensor.shape)) writes.push(() => tensor.write(data));
      else
        mismatched.push(
          `${name} [${entry.shape.join(",")}] instead of [${toTorchLayout(tensor.shape, null).shape.join(",")}]`,
        );
    }
    if (missing.length + unexpected.length + mismatched.length > 0)
      throw new StateDictError(missing, unexpected, mismatched);
    for (const write of writes) write();
  }

  /** Gives all memory of this module back. */
  dispose(): void {
    for (const { value } of this.#members()) {
      if (value instanceof Tensor) {
        value.grad?.dispose();
        value.dispose();
      } else if (value instanceof Buffer) value.tensor.dispose();
    }
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  *#members(): Generator<Member> {
    for (const [prefix, owner] of this.namedModules()) {
      for (const [key, value] of Object.entries(owner)) {
        if (!(value instanceof Tensor || value instanceof Buffer || value instanceof Counter)) continue;
        const name = owner.stateNames[key] ?? key;
        yield { name: prefix ? `${prefix}.${name}` : name, owner, value };
      }
    }
  }
}

/** Makes a tensor a parameter: it wants a gradient. */
export function parameter(tensor: Tensor): Tensor {
  if (tensor.dtype !== "f32") throw new TensorError("parameter", "parameters are f32");
  return tensor.requireGrad();
}
