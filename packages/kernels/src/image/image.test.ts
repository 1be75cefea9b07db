import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { BASELINE_CPU, BASELINE_GPU, type DeviceLimits } from "../limits.ts";
import { describeGpu, expectClose, mulberry32, runPlan } from "../testing/index.ts";
import { imageGeometry, pictureWords, type ImageSizes, type Normalization } from "./geometry.ts";
import { planImage } from "./image.ts";
import { imageReference } from "./reference.ts";
import { packViews, type ImageView } from "./view.ts";

interface Resized {
  readonly name: string;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly size: number;
  readonly box: readonly [number, number, number, number];
  readonly pixels: readonly number[];
  readonly levels: readonly number[];
}
interface Numbers {
  readonly cases: readonly Resized[];
  readonly interpolate: Pick<Resized, "pixels" | "levels">;
  readonly rotate: Pick<Resized, "pixels" | "levels">;
  readonly mean: [number, number, number];
  readonly std: [number, number, number];
  readonly normalized: readonly number[][];
}
const oracle: Numbers = JSON.parse(readFileSync(new URL("./pillow.json", import.meta.url), "utf8"));

const IMAGENET: Normalization = { mean: oracle.mean, std: oracle.std };
/** y in levels from 0 to 255, as Pillow's. */
const LEVELS: Normalization = { mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] };
const whole = ({ width, height }: { width: number; height: number }) => ({ left: 0, top: 0, width, height });

function packed(sizes: Pick<ImageSizes, "height" | "width" | "channels">, pictures: readonly ArrayLike<number>[]) {
  const words = new Uint32Array(pictures.length * pictureWords(sizes));
  const bytes = new Uint8Array(words.buffer);
  pictures.forEach((pixels, i) => bytes.set(pixels, i * pictureWords(sizes) * 4));
  return words;
}

describe("image plans", () => {
  const sizes = { height: 224, width: 224, channels: 1, size: 224 };

  it("compile the same WGSL for other sizes, batches and normalisations", () => {
    const text = (other: Partial<ImageSizes>, normalization: Normalization): string =>
      planImage(imageGeometry({ pictures: 2, n: 3, ...sizes, ...other }, normalization), BASELINE_GPU).passes[0]!.wgsl;
    expect(text({}, IMAGENET)).toBe(text({ pictures: 5, n: 16, height: 9, width: 7, size: 5 }, LEVELS));
  });

  it("write what they wrote when this was reviewed", () => {
    const wgsl = (channels: number, limits: DeviceLimits): string =>
      planImage(imageGeometry({ pictures: 8, n: 8, ...sizes, channels }, IMAGENET), limits).passes[0]!.wgsl;
    expect(wgsl(1, BASELINE_CPU)).toMatchSnapshot("grey, cpu");
    expect(wgsl(3, BASELINE_GPU)).toMatchSnapshot("rgb, gpu");
  });

  it("count the pictures that are read, not those that could be", () => {
    const plan = planImage(
      imageGeometry({ pictures: 100, n: 2, height: 9, width: 7, channels: 1, size: 4 }, IMAGENET),
      BASELINE_GPU,
    );
    expect(plan.operands).toEqual({ pictures: 100 * 64, views: 2 * 48, y: 2 * 16 * 3 * 4 });
    expect(plan.bytes).toBe(2 * 64 + 2 * 48 + 2 * 16 * 3 * 4);
  });

  it("say what they can't show", () => {
    const geometry = { pictures: 1, n: 1, ...sizes };
    expect(() => imageGeometry({ ...geometry, channels: 4 }, IMAGENET)).toThrow(
      "image: a picture has 1 channel (grey) or 3 (red, green, blue) (channels 4)",
    );
    expect(() => imageGeometry({ ...geometry, size: 0 }, IMAGENET)).toThrow("image: size must be a positive integer");
    expect(() => imageGeometry(geometry, { mean: [0, 0, 0], std: [1, 0, 1] })).toThrow(
      "image: mean and std need three finite numbers each, std above 0 (mean [0,0,0], std [1,0,1])",
    );
  });
});

describeGpu("image kernels", (gpu) => {
  const classes = (): DeviceLimits[] => [
    { ...gpu().limits, deviceClass: "gpu" },
    { ...gpu().limits, deviceClass: "cpu" },
  ];

  /** Runs both classes; what they give must be the same. */
  async function look(
    sizes: Omit<ImageSizes, "pictures" | "n">,
    pictures: readonly ArrayLike<number>[],
    views: readonly ImageView[],
    normalization: Normalization,
  ) {
    const g = imageGeometry({ ...sizes, pictures: pictures.length, n: views.length }, normalization);
    const inputs = { pictures: packed(g, pictures), views: packViews(views, g.size) };
    const results = [];
    for (const limits of classes()) results.push((await runPlan(gpu(), planImage(g, limits), inputs)).y!);
    expect(results[1]).toEqual(results[0]);
    return { y: results[0]!, reference: imageReference(g, inputs.pictures, inputs.views) };
  }

  /** Every third value of y, which repeats a grey level. */
  const grey = (y: Float32Array): number[] => Array.from(y).filter((_, i) => i % 3 === 0);

  it("a picture of the view's own size comes through as ToTensor and Normalize give it, every level", async () => {
    const pixels = Uint8Array.from({ length: 256 }, (_, i) => (i * 77) % 256);
    const sizes = { height: 16, width: 16, size: 16 };
    const { y } = await look({ ...sizes, channels: 1 }, [pixels], [{ picture: 0, box: whole(sizes) }], IMAGENET);
    const expected = Array.from(pixels).flatMap((level) => oracle.normalized.map((channel) => channel[level]!));
    expectClose(y, expected, { rtol: 0, atol: 1e-6 });
    const flipped = await look(
      { ...sizes, channels: 1 },
      [pixels],
      [{ picture: 0, box: whole(sizes), flip: true }],
      IMAGENET,
    );
    expect(grey(flipped.y)).toEqual(grey(y).map((_, i) => y[(i - (i % 16) + 15 - (i % 16)) * 3]!));
    const coloured = Uint8Array.from({ length: 768 }, (_, i) => (i * 77 + (i % 3) * 5) % 256);
    const rgb = await look({ ...sizes, channels: 3 }, [coloured], [{ picture: 0, box: whole(sizes) }], IMAGENET);
    expectClose(
      rgb.y,
      Array.from(coloured, (level, i) => oracle.normalized[i % 3]![level]!),
      { rtol: 0, atol: 1e-6 },
    );
  });

  it.each(oracle.cases)("resizes as Pillow does: $name", async (example) => {
    const [left, top, width, height] = example.box;
    const view = { picture: 0, box: { left, top, width, height } };
    const { y } = await look(example, [example.pixels], [view], LEVELS);
    expectClose(example.channels === 1 ? grey(y) : y, example.levels, { rtol: 0, atol: 2e-3 });
  });

  it("reduces as torch's antialiased interpolation, and rotates as affine_grid and grid_sample, black outside", async () => {
    const [tall, square] = [
      { height: 26, width: 21, channels: 3, size: 9 },
      { height: 16, width: 16, channels: 1, size: 16 },
    ];
    const reduced = await look(tall, [oracle.interpolate.pixels], [{ picture: 0, box: whole(tall) }], LEVELS);
    expectClose(reduced.y, oracle.interpolate.levels, { rtol: 0, atol: 2e-3 });
    const view = { picture: 0, box: whole(square), rotation: 12 };
    const turned = await look(square, [oracle.rotate.pixels], [view], LEVELS);
    expect(oracle.rotate.levels.filter((level) => level === 0).length).toBeGreaterThan(0);
    expectClose(grey(turned.y), oracle.rotate.levels, { rtol: 0, atol: 2e-3 });
  });

  it("a quarter turn counterclockwise brings the right edge to the top", async () => {
    const sizes = { height: 2, width: 2, channels: 1, size: 2 };
    const view = { picture: 0, box: whole(sizes), rotation: 90 };
    const { y } = await look(sizes, [[10, 20, 30, 40]], [view], LEVELS);
    expectClose(grey(y), [20, 40, 10, 30], { rtol: 1e-5, atol: 0 });
  });

  it("brightness and contrast cut to 0..1 one after the other, as torchvision's", async () => {
    const sizes = { height: 1, width: 4, channels: 1, size: 1 };
    const one = (picture: number, rest: Partial<ImageView>): ImageView => ({
      picture,
      box: { left: 0, top: 0, width: 1, height: 1 },
      ...rest,
    });
    const pictures = [0, 102, 204].map((level) => [level, 0, 0, 0]);
    const views = [
      one(1, { brightness: 1.5 }),
      one(2, { brightness: 1.5 }),
      one(2, { brightness: 1.5, contrast: 0.5, pivot: 0.4 }),
      one(1, { contrast: 2, pivot: 0.5 }),
      one(0, { contrast: 2, pivot: 0.3 }),
      one(0, { contrast: 0.5, pivot: 0.3 }),
    ];
    const { y } = await look(sizes, pictures, views, { mean: [0, 0, 0], std: [1, 1, 1] });
    expectClose(grey(y), [0.6, 1, 0.7, 0.3, 0, 0.15], { rtol: 1e-6, atol: 0 });
  });

  it.each([
    { height: 17, width: 13, channels: 1, size: 11 },
    { height: 13, width: 17, channels: 3, size: 16 },
    { height: 1, width: 1, channels: 1, size: 3 },
    { height: 31, width: 33, channels: 1, size: 7 },
  ])("random views of $height x $width x $channels to $size agree with f64", async (sizes) => {
    const random = mulberry32(sizes.height);
    const pictures = Array.from({ length: 5 }, () =>
      Uint8Array.from({ length: sizes.height * sizes.width * sizes.channels }, () => Math.floor(random() * 256)),
    );
    const views: ImageView[] = Array.from({ length: 9 }, (_, i) => ({
      picture: (i * 3) % 5,
      box: {
        left: (random() - 0.2) * sizes.width,
        top: (random() - 0.2) * sizes.height,
        width: (0.3 + random()) * sizes.width,
        height: (0.3 + random()) * sizes.height,
      },
      flip: random() < 0.5,
      rotation: (random() - 0.5) * 40,
      brightness: 0.7 + 0.6 * random(),
      contrast: 0.7 + 0.6 * random(),
      pivot: random(),
    }));
    const { y, reference } = await look(sizes, pictures, views, IMAGENET);
    // A place's rounding, some 1e-6 pixels, times a level's change from pixel to pixel
    expectClose(y, reference, { rtol: 1e-5, atol: 5e-5 });
  });

  it("a picture's number that is too large reads the last picture, nothing beyond", async () => {
    const sizes = { height: 2, width: 2, channels: 1, size: 2 };
    const view = { picture: 7, box: whole(sizes) };
    const { y } = await look(
      sizes,
      [
        [1, 2, 3, 4],
        [5, 6, 7, 8],
      ],
      [{ ...view, picture: 1 }],
      LEVELS,
    );
    const g = imageGeometry({ ...sizes, pictures: 2, n: 1 }, LEVELS);
    const inputs = {
      pictures: packed(g, [
        [1, 2, 3, 4],
        [5, 6, 7, 8],
      ]),
      views: packViews([view], 2),
    };
    expect((await runPlan(gpu(), planImage(g, gpu().limits), inputs)).y).toEqual(y);
  });
});
