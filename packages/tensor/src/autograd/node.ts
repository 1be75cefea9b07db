import type { Tensor } from "../tensor.ts";

export type Gradients = Readonly<Record<string, Tensor | null>>;

let created = 0;

/**
 * One application of an op: who its inputs were, and how a gradient of its output becomes gradients of its inputs.
 * It holds what it saved until it has run backward, or until nothing leads to it any more.
 */
export class Node {
  readonly name: string;
  /** Later nodes depend only on earlier ones: descending `order` is a topological order. */
  readonly order = created++;
  readonly inputs: Readonly<Record<string, Tensor>>;
  /** The nodes of the inputs, as they were. */
  readonly parents: Readonly<Record<string, Node | null>>;
  readonly #run: (dy: Tensor) => Gradients;
  readonly #saved: readonly Tensor[];
  #references = 1;
  #consumed = false;

  /** `saved` are views that the node owns. */
  constructor(
    name: string,
    inputs: Readonly<Record<string, Tensor>>,
    saved: readonly Tensor[],
    run: (dy: Tensor) => Gradients,
  ) {
    this.name = name;
    this.inputs = inputs;
    this.parents = Object.fromEntries(Object.entries(inputs).map(([key, tensor]) => [key, tensor.node]));
    for (const parent of Object.values(this.parents)) parent?.retain();
    this.#saved = saved;
    this.#run = run;
  }

  get consumed(): boolean {
    return this.#consumed;
  }

  retain(): void {
    this.#references += 1;
  }

  release(): void {
    this.#references -= 1;
    if (this.#references > 0) return;
    this.#drop();
    for (const parent of Object.values(this.parents)) parent?.release();
  }

  /** Gradients of the inputs, by name; null where none is wanted. What was saved is freed: it runs once. */
  run(dy: Tensor): Gradients {
    const gradients = this.#run(dy);
    this.#drop();
    return gradients;
  }

  #drop(): void {
    if (this.#consumed) return;
    this.#consumed = true;
    for (const tensor of this.#saved) tensor.dispose();
  }
}
