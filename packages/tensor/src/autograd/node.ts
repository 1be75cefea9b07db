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
  /** Which inputs wanted a gradient when the op ran. */
  readonly needs: Readonly<Record<string, boolean>>;
  readonly #run: (dy: Tensor) => Gradients;
  readonly #saved: readonly Tensor[];
  #references = 1;
  #consumed = false;

  /** `saved` are views that the node owns. */
  constructor(
    name: string,
    inputs: Readonly<Record<string, Tensor>>,
    needs: Readonly<Record<string, boolean>>,
    saved: readonly Tensor[],
    run: (dy: Tensor) => Gradients,
  ) {
    this.name = name;
    this.inputs = inputs;
    this.needs = needs;
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

  /** Nodes that nothing leads to any more free what they saved; a loop, as a graph may be deeper than the stack. */
  release(): void {
    const released: Node[] = [this];
    for (let node = released.pop(); node; node = released.pop()) {
      node.#references -= 1;
      if (node.#references > 0) continue;
      node.#drop();
      for (const parent of Object.values(node.parents)) if (parent) released.push(parent);
    }
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
