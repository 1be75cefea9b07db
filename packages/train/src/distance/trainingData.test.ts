import { expect, test } from "vitest";
import { evenlySpread, REFERENCES, TrainingData } from "./trainingData.ts";

const FEATURES = 12;

/** Features around a direction, as those of a kind of pictures: none negative, of any length. */
function around(direction: number, count: number, seed: number): Float32Array {
  let state = seed;
  const random = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  return Float32Array.from(
    { length: count * FEATURES },
    (_, i) => (1 + 3 * random()) * (Math.abs((i % FEATURES) - direction) < 3 ? 1 + random() : 0.3 * random()),
  );
}
const row = (features: Float32Array, i: number): Float32Array => features.subarray(i * FEATURES, (i + 1) * FEATURES);

const train = around(3, REFERENCES, 1);
const data = TrainingData.measure(train, around(3, 200, 2), FEATURES);

test("pictures of another kind are far, those of the same kind are spread over the percentiles", () => {
  const [same, other] = [around(3, 300, 3), around(9, 50, 4)];
  for (let i = 0; i < 50; i++) expect(data.distanceOf(row(other, i))).toMatchObject({ percentile: 100, far: true });
  const percentiles = Array.from({ length: 300 }, (_, i) => data.distanceOf(row(same, i)).percentile);
  const below = (limit: number): number => percentiles.filter((percentile) => percentile < limit).length / 300;
  // Three standard errors of a share of 300, and of the quantile of 200.
  for (const share of [0.25, 0.5, 0.75]) expect(Math.abs(below(100 * share) - share)).toBeLessThan(0.14);
});

test("of fewer than 200 validation pictures what is far is farther than all, of 200 than 199", () => {
  const picture = row(around(6, 1, 5), 0);
  /** Of so many, all or all but one lie nearer than the picture. */
  const far = (count: number, nearer: number): boolean => {
    const validation = Array.from({ length: count }, (_, i) => (i < nearer ? 0 : 2));
    const text = JSON.stringify({ ...JSON.parse(data.toText()), validation });
    return TrainingData.parse(text, FEATURES).distanceOf(picture).far;
  };
  for (const count of [50, 199])
    expect([far(count, count), far(count, count - 1)], String(count)).toEqual([true, false]);
  expect([far(200, 199), far(200, 198)]).toEqual([true, false]);
});

test("the distance is to the fifth nearest, of directions, whatever the lengths", () => {
  const unit = (values: Float32Array): number[] => {
    const length = Math.hypot(...values);
    return Array.from(values, (value) => value / length);
  };
  const picture = row(around(5, 1, 9), 0);
  const distances = Array.from({ length: REFERENCES }, (_, i) => {
    const other = unit(row(train, i));
    return Math.hypot(...unit(picture).map((value, c) => value - other[c]!));
  }).sort((a, b) => a - b);
  const { value } = data.distanceOf(picture);
  // References have 8 bits.
  expect(value).toBeCloseTo(distances[4]!, 2);
  expect(data.distanceOf(picture.map((feature) => 7 * feature)).value).toBeCloseTo(value, 5);
});

test("goes through a model file's text; a text for another network or a damaged one is refused", () => {
  const text = data.toText();
  const again = TrainingData.parse(text, FEATURES);
  expect(again.toText()).toBe(text);
  const picture = row(around(6, 1, 5), 0);
  expect(again.distanceOf(picture)).toEqual(data.distanceOf(picture));
  expect(() => TrainingData.parse(text, FEATURES + 1)).toThrow("its training data has 768 values of 12 features");
  expect(() => TrainingData.parse("{}", FEATURES)).toThrow("references");
  expect(() => TrainingData.parse(text.slice(0, -9), FEATURES)).toThrow("JSON");
  expect(() => TrainingData.parse(text.replace(/"validation":.*]/, '"validation":[]'), FEATURES)).toThrow("validation");
});

test("references are spread over the classes in order", () => {
  expect(evenlySpread(3, 5)).toEqual([0, 1, 2]);
  expect(evenlySpread(10, 4)).toEqual([1, 3, 6, 8]);
});
