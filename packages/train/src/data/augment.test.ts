import { describe, expect, it } from "vitest";
import { augmentedView, AugmentationError, checkAugmentation, DEFAULT_AUGMENTATION, plainView } from "./augment.ts";

const SQUARE = { width: 224, height: 224 };
const many = Array.from({ length: 2000 }, (_, sample) => sample);
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe("augmentedView", () => {
  it("is a pure function of seed, epoch and sample, and another for another of each", () => {
    const view = (seed: number, epoch: number, sample: number) =>
      augmentedView(DEFAULT_AUGMENTATION, SQUARE, { seed, epoch, sample });
    expect(view(1, 3, 17)).toEqual(view(1, 3, 17));
    const others = [view(1, 3, 17), view(2, 3, 17), view(1, 4, 17), view(1, 3, 18), view(1, 17, 3)];
    expect(new Set(others.map((v) => JSON.stringify(v))).size).toBe(others.length);
  });

  it("a run resumed with a later version sees the same pictures", () => {
    const view = augmentedView(DEFAULT_AUGMENTATION, SQUARE, { seed: 0, epoch: 0, sample: 0 });
    expect(view).toEqual({
      box: {
        left: expect.closeTo(11.3044156, 6),
        top: expect.closeTo(11.1327543, 6),
        width: expect.closeTo(212.5185212, 6),
        height: expect.closeTo(195.603664, 6),
      },
      flip: true,
      rotation: expect.closeTo(12.4380725, 6),
      brightness: expect.closeTo(0.9806906, 6),
      contrast: expect.closeTo(0.8113847, 6),
    });
  });

  it.each([SQUARE, { width: 300, height: 200 }, { width: 64, height: 90 }])(
    "crops of $width x $height lie inside the picture, with the area and the ratio that were asked for",
    (picture) => {
      const augmentation = { ...DEFAULT_AUGMENTATION, scale: [0.3, 0.6], ratio: [0.75, 4 / 3] } as const;
      const boxes = many.map((sample) => augmentedView(augmentation, picture, { seed: 5, epoch: 2, sample }).box);
      const range = (of: (box: (typeof boxes)[number]) => number): [number, number] => {
        const values = boxes.map(of);
        return [Math.min(...values), Math.max(...values)];
      };
      const within = ([least, most]: [number, number], low: number, high: number): void => {
        expect(least).toBeGreaterThan(low - 1e-9);
        expect(most).toBeLessThan(high + 1e-9);
      };
      within(
        range(({ left }) => left),
        0,
        picture.width,
      );
      within(
        range(({ left, width }) => left + width),
        0,
        picture.width,
      );
      within(
        range(({ top }) => top),
        0,
        picture.height,
      );
      within(
        range(({ top, height }) => top + height),
        0,
        picture.height,
      );
      const area = range(({ width, height }) => (width * height) / (picture.width * picture.height));
      const ratio = range(({ width, height }) => width / height);
      within(area, 0.3, 0.6);
      within(ratio, 0.75, 4 / 3);
      // and all of the range is used
      expect(area[1] - area[0]).toBeGreaterThan(0.29);
      expect(ratio[1] - ratio[0]).toBeGreaterThan(0.55);
      // The middle of the crops is the picture's: five standard errors of a spread of a third of the picture at the most.
      expect(Math.abs(mean(boxes.map((b) => b.left + b.width / 2)) / picture.width - 0.5)).toBeLessThan(0.02);
      expect(Math.abs(mean(boxes.map((b) => b.top + b.height / 2)) / picture.height - 0.5)).toBeLessThan(0.02);
    },
  );

  it("flips, turns and lights by their strengths, each independently", () => {
    const augmentation = { ...DEFAULT_AUGMENTATION, flip: 0.25, rotation: 10, brightness: 0.3, contrast: 0.1 };
    const views = many.map((sample) => augmentedView(augmentation, SQUARE, { seed: 1, epoch: 0, sample }));
    const flipped = mean(views.map(({ flip }) => (flip ? 1 : 0)));
    expect(Math.abs(flipped - 0.25)).toBeLessThan(5 * Math.sqrt((0.25 * 0.75) / many.length));
    const centred = [
      views.map(({ rotation }) => rotation! / 10),
      views.map(({ brightness }) => (brightness! - 1) / 0.3),
      views.map(({ contrast }) => (contrast! - 1) / 0.1),
    ];
    for (const values of centred) {
      expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(1 + 1e-12);
      // uniform in -1..1: mean 0, variance 1/3
      expect(Math.abs(mean(values))).toBeLessThan(5 * Math.sqrt(1 / 3 / many.length));
      expect(Math.abs(mean(values.map((v) => v * v)) - 1 / 3)).toBeLessThan(5 * Math.sqrt(4 / 45 / many.length));
    }
    const [turns, lights] = centred as [number[], number[]];
    expect(Math.abs(mean(turns.map((v, i) => v * lights[i]!)))).toBeLessThan(5 / 3 / Math.sqrt(many.length));
  });

  it("a crop that doesn't fit becomes the largest of the nearest ratio, in the middle, as torchvision's", () => {
    const augmentation = { ...DEFAULT_AUGMENTATION, scale: [1, 1], ratio: [0.5, 1] } as const;
    expect(augmentedView(augmentation, { width: 300, height: 200 }, { seed: 0, epoch: 0, sample: 0 }).box).toEqual({
      left: 50,
      top: 0,
      width: 200,
      height: 200,
    });
  });

  it("no strength at all shows the picture as it is", () => {
    const none = { scale: [1, 1], ratio: [1, 1], flip: 0, rotation: 0, brightness: 0, contrast: 0 } as const;
    expect(augmentedView(none, SQUARE, { seed: 4, epoch: 1, sample: 2 })).toEqual({
      ...plainView(SQUARE),
      flip: false,
      rotation: expect.closeTo(0, 12),
      brightness: 1,
      contrast: 1,
    });
  });
});

it("plainView shows the middle square", () => {
  expect(plainView({ width: 300, height: 200 }).box).toEqual({ left: 50, top: 0, width: 200, height: 200 });
});

it("checkAugmentation names the option that makes no sense", () => {
  const check = (changed: object) => () => checkAugmentation({ ...DEFAULT_AUGMENTATION, ...changed });
  expect(check({})).not.toThrow();
  expect(check({ scale: [0, 1] })).toThrow(
    "augmentation: scale must be two parts of the area, above 0 and up to 1, the least first, got [0,1]",
  );
  expect(check({ ratio: [2, 1] })).toThrow(AugmentationError);
  expect(check({ flip: 1.5 })).toThrow("flip must be a probability from 0 to 1, got 1.5");
  expect(check({ rotation: NaN })).toThrow("rotation must be from 0 to 180 degrees, got null");
  expect(check({ contrast: -0.1 })).toThrow("contrast must be from 0 to 1, got -0.1");
});
