import { capture, input, pictureWords, type Device } from "@fracture/tensor";
import { describeDevice } from "@fracture/tensor/testing";
import { expect, it } from "vitest";
import { augmentedView, AugmentationError, DEFAULT_AUGMENTATION } from "./augment.ts";
import { PictureFeed, type PictureFeedOptions } from "./pictureFeed.ts";
import { PictureStore, PictureStoreError } from "./store.ts";

const COUNT = 20;
const SIZE = 9;
const NORMALIZATION = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;

/** Noise with another level in every picture. */
const picture = (index: number, bytes: number): Uint8Array =>
  Uint8Array.from({ length: bytes }, (_, i) => (index * 11 + ((i * 2_654_435_761) >>> 26)) % 256);

/** Twenty pictures of 9 x 9 in buffers of three (84 bytes each). */
function filledStore(device: Device, channels = 1): PictureStore {
  const sizes = { height: SIZE, width: SIZE, channels };
  const store = new PictureStore({ device, count: COUNT, ...sizes, chunkBytes: 3 * pictureWords(sizes) * 4 });
  for (let i = 0; i < COUNT; i++) store.write(i, picture(i, SIZE * SIZE * channels));
  return store;
}

const feedOf = (store: PictureStore, options: Partial<PictureFeedOptions> = {}): PictureFeed =>
  new PictureFeed({ store, size: SIZE, ...NORMALIZATION, augmentation: null, seed: 7, ...options });

/** What a batch of these samples looks like in an epoch: [samples, pixels]. */
async function looks(
  device: Device,
  feed: PictureFeed,
  samples: readonly number[],
  epoch: number,
): Promise<number[][]> {
  const batch = feed.batch(samples.length);
  const program = await capture(device, () => batch.tensor());
  batch.load(samples, epoch);
  program.replay();
  const values = Array.from(await program.result.data());
  const each = values.length / samples.length;
  program.result.dispose();
  program.dispose();
  batch.dispose();
  return samples.map((_, row) => values.slice(row * each, (row + 1) * each));
}

describeDevice("PictureStore", (device) => {
  it("gives back what was written, whichever buffers it lies in", async () => {
    using store = filledStore(device());
    expect(store.bytes).toBe(COUNT * 84);
    using batch = input([4, pictureWords(store)], { device: device(), dtype: "u32" });
    const wanted = [19, 0, 3, 3];
    store.load(wanted, batch);
    const bytes = new Uint8Array((await batch.data()).buffer);
    wanted.forEach((index, row) =>
      expect(bytes.subarray(row * 84, row * 84 + 81)).toEqual(picture(index, SIZE * SIZE)),
    );
  });

  it("knows the mean level, by luma for a picture in colour", () => {
    using grey = new PictureStore({ device: device(), count: 1, height: 1, width: 2, channels: 1 });
    grey.write(0, Uint8Array.of(51, 102));
    expect(grey.meanOf(0)).toBeCloseTo(0.3, 12);
    using rgb = new PictureStore({ device: device(), count: 1, height: 1, width: 1, channels: 3 });
    rgb.write(0, Uint8Array.of(255, 0, 51));
    expect(rgb.meanOf(0)).toBeCloseTo(0.2989 + 0.2 * 0.114, 12);
  });

  it("says what it can't take and what it doesn't have", () => {
    using store = new PictureStore({ device: device(), count: 2, height: 2, width: 3, channels: 1 });
    expect(() => store.write(2, new Uint8Array(6))).toThrow("picture store: it has no place 2 (0 to 1)");
    expect(() => store.write(0, new Uint8Array(7))).toThrow(
      "picture store: picture 0 has 7 bytes; 3 x 2 pixels of 1 channels have 6",
    );
    using batch = input([1, 2], { device: device(), dtype: "u32" });
    expect(() => store.load([1], batch)).toThrow(new PictureStoreError("picture 1 was never written"));
  });
});

describeDevice("PictureFeed", (device) => {
  it.each([1, 3])(
    "a picture of the network's size, %i channels, passes untouched, then is normalised",
    async (channels) => {
      using store = filledStore(device(), channels);
      const [seen] = await looks(device(), feedOf(store), [13], 0);
      const bytes = picture(13, SIZE * SIZE * channels);
      const { mean, std } = NORMALIZATION;
      seen!.forEach((value, i) => {
        const level = channels === 1 ? bytes[Math.floor(i / 3)]! : bytes[i]!;
        expect(Math.abs(value - (level / 255 - mean[i % 3]!) / std[i % 3]!)).toBeLessThan(1e-6);
      });
    },
  );

  it("sample 17 of epoch 3 looks the same in every batch and from a feed made anew, and otherwise in another epoch", async () => {
    using store = filledStore(device());
    const augmented = { augmentation: DEFAULT_AUGMENTATION };
    const [alone] = await looks(device(), feedOf(store, augmented), [17], 3);
    const [, , among] = await looks(device(), feedOf(store, augmented), [4, 0, 17, 17, 9], 3);
    expect(among).toEqual(alone);
    const [later] = await looks(device(), feedOf(store, augmented), [17], 4);
    expect(later).not.toEqual(alone);
    const [seeded] = await looks(device(), feedOf(store, { ...augmented, seed: 8 }), [17], 3);
    expect(seeded).not.toEqual(alone);
    const [plain] = await looks(device(), feedOf(store), [17], 3);
    expect((await looks(device(), feedOf(store), [17], 4))[0]).toEqual(plain);
  });

  it("contrast turns about the picture's own mean: the mean stays", async () => {
    using store = new PictureStore({ device: device(), count: 1, height: 8, width: 8, channels: 1 });
    const pixels = Uint8Array.from({ length: 64 }, (_, i) => 40 + i);
    store.write(0, pixels);
    const augmentation = { scale: [1, 1], ratio: [1, 1], flip: 0, rotation: 0, brightness: 0, contrast: 0.5 } as const;
    const normalization = { mean: [0, 0, 0], std: [1, 1, 1] } as const;
    const feed = feedOf(store, { size: 8, augmentation, ...normalization });
    const { contrast } = augmentedView(augmentation, store, { seed: 7, epoch: 2, sample: 0 });
    expect(Math.abs(contrast! - 1)).toBeGreaterThan(0.1);
    const [seen] = await looks(device(), feed, [0], 2);
    const mean = seen!.reduce((sum, value) => sum + value, 0) / seen!.length;
    expect(mean).toBeCloseTo(store.meanOf(0), 6);
    expect((seen!.at(-1)! - seen![0]!) / (63 / 255)).toBeCloseTo(contrast!, 5);
  });

  it("loading and replaying create no buffer, bind group or pipeline", async () => {
    using store = filledStore(device());
    const batch = feedOf(store, { augmentation: DEFAULT_AUGMENTATION, size: 12 }).batch(3);
    const program = await capture(device(), () => batch.tensor());
    const step = (epoch: number): void => {
      batch.load([epoch, 19 - epoch, 8], epoch);
      program.replay();
    };
    step(0);
    await device().sync();
    const before = device().counts;
    for (let epoch = 1; epoch < 8; epoch++) step(epoch);
    await device().sync();
    expect(device().counts).toEqual(before);
    batch.dispose();
  });

  it("refuses a batch of another size and an augmentation that makes no sense", () => {
    using store = filledStore(device());
    const batch = feedOf(store).batch(2);
    expect(() => batch.load([1, 2, 3], 0)).toThrow("a batch of 2 can't take 3 samples");
    batch.dispose();
    expect(() => feedOf(store, { augmentation: { ...DEFAULT_AUGMENTATION, flip: 2 } })).toThrow(AugmentationError);
  });
});
