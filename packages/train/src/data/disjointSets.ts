/** Sets that grow together (union-find with path halving; Tarjan 1975). */
export class DisjointSets {
  readonly #parent: Int32Array;

  constructor(count: number) {
    this.#parent = Int32Array.from({ length: count }, (_, i) => i);
  }

  /** The set's least member. */
  find(member: number): number {
    const parent = this.#parent;
    let at = member;
    while (parent[at] !== at) {
      parent[at] = parent[parent[at]!]!;
      at = parent[at]!;
    }
    return at;
  }

  /** Makes two members' sets one. */
  join(a: number, b: number): void {
    const [one, two] = [this.find(a), this.find(b)];
    this.#parent[Math.max(one, two)] = Math.min(one, two);
  }

  /** The sets of two members and more: each in rising order, and by their least members. */
  groups(): number[][] {
    const sets = new Map<number, number[]>();
    for (let i = 0; i < this.#parent.length; i++) {
      const root = this.find(i);
      const members = sets.get(root);
      if (members) members.push(i);
      else sets.set(root, [i]);
    }
    return [...sets.values()].filter((members) => members.length > 1);
  }
}
