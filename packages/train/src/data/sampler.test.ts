import { describe, expect, it } from "vitest";
import { balancedOrder, filesOrder, shuffledOrder } from "./sampler.ts";

describe("orders of samples", () => {
  it("without shuffling every epoch goes through the files in their order", () => {
    const order = filesOrder(4);
    expect([order(0), order(7)]).toEqual([
      [0, 1, 2, 3],
      [0, 1, 2, 3],
    ]);
  });

  it.each([1, 2, 5, 97])("a shuffled epoch has each of %i samples once", (count) => {
    for (const epoch of [0, 1, 50]) {
      const order = shuffledOrder(count, 3)(epoch).toSorted((a, b) => a - b);
      expect(order).toEqual(filesOrder(count)(0));
    }
  });

  it("a shuffle is a pure function of seed and epoch, and another for another seed or epoch", () => {
    const order = shuffledOrder(60, 11);
    const later = order(9);
    expect(shuffledOrder(60, 11)(9)).toEqual(later);
    expect(order(8)).not.toEqual(later);
    expect(shuffledOrder(60, 12)(9)).not.toEqual(later);
    expect(shuffledOrder(60, 11 + 2 ** 32)(9)).not.toEqual(later);
  });

  it("a run resumed with a later version goes on in the same order", () => {
    expect(shuffledOrder(8, 0)(0)).toEqual([7, 1, 6, 5, 3, 4, 0, 2]);
  });

  it("a balanced epoch draws each class as often, each of its samples as often, and is a pure function of seed and epoch", () => {
    const labels = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1];
    const order = balancedOrder(labels, 5);
    expect(balancedOrder(labels, 5)(3)).toEqual(order(3));
    expect(order(4)).not.toEqual(order(3));
    expect(balancedOrder(labels, 6)(3)).not.toEqual(order(3));
    const seen = labels.map(() => 0);
    const epochs = 600;
    for (let epoch = 0; epoch < epochs; epoch++) {
      expect(order(epoch)).toHaveLength(10);
      for (const sample of order(epoch)) seen[sample]! += 1;
    }
    seen.forEach((times, i) => {
      const share = labels[i] === 0 ? 1 / 16 : 1 / 4;
      const draws = 10 * epochs;
      expect(Math.abs(times - draws * share)).toBeLessThan(5 * Math.sqrt(draws * share * (1 - share)));
    });
  });

  it("every sample is as likely in every place", () => {
    const [count, epochs] = [5, 4000];
    const order = shuffledOrder(count, 1);
    const seen = Array.from({ length: count * count }, () => 0);
    for (let epoch = 0; epoch < epochs; epoch++)
      order(epoch).forEach((sample, place) => (seen[place * count + sample]! += 1));
    const expected = epochs / count;
    // five standard deviations of a binomial count
    const most = 5 * Math.sqrt(expected * (1 - 1 / count));
    for (const times of seen) expect(Math.abs(times - expected)).toBeLessThan(most);
  });
});
