import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cropTo, workingPreprocessing } from "@fracture/resnet";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { decodeImage } from "./decode.ts";
import { loadPictures, PictureMemoryError, type LoadProgress } from "./loadPictures.ts";
import { defaultPictureCacheFolder } from "./pictureCache.ts";

let folder = "";
let cacheFolder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fracture-load-"));
  cacheFolder = join(folder, "cache");
});
afterEach(() => rmSync(folder, { recursive: true }));

const preprocessing = workingPreprocessing(16);
const SIZES = [
  [40, 30],
  [16, 16],
  [7, 90],
  [200, 10],
  [33, 33],
] as const;

/** Grey PNGs, each with its own pattern. */
async function makePictures(): Promise<string[]> {
  return Promise.all(
    SIZES.map(async ([width, height], n) => {
      const pixels = Uint8Array.from({ length: width * height }, (_, i) => (i * (2 * n + 3)) & 255);
      const path = join(folder, `${n}.png`);
      await sharp(pixels, { raw: { width, height, channels: 1 } })
        .toColourspace("b-w")
        .png()
        .toFile(path);
      return path;
    }),
  );
}

async function oneByOne(paths: readonly string[]): Promise<number[]> {
  const pictures: Uint8Array[] = [];
  for (const path of paths) pictures.push(cropTo(await decodeImage(path, { channels: "grey" }), preprocessing).data);
  return pictures.flatMap((picture) => Array.from(picture));
}

const entries = (): string[] =>
  readdirSync(cacheFolder, { recursive: true, encoding: "utf8" })
    .map((name) => join(cacheFolder, name))
    .filter((path) => statSync(path).isFile());

describe("loadPictures", () => {
  test.each([1, 3, 50])("puts every picture in its place, %i at a time", async (concurrency) => {
    const paths = await makePictures();
    const loaded = await loadPictures(paths, { preprocessing, concurrency, cacheFolder: null });
    expect(Array.from(loaded.data)).toEqual(await oneByOne(paths));
    expect(loaded).toMatchObject({ size: 16, channels: 1, kept: [0, 1, 2, 3, 4], unreadable: [] });
  });

  test("lists what is unreadable with its reason, and closes the gaps", async () => {
    const [a, b, c, d] = await makePictures();
    writeFileSync(b!, "<html>");
    writeFileSync(d!, "");
    const loaded = await loadPictures([a!, b!, c!, d!, join(folder, "gone.png")], { preprocessing, cacheFolder });
    expect(Array.from(loaded.data)).toEqual(await oneByOne([a!, c!]));
    expect(loaded.kept).toEqual([0, 2]);
    expect(loaded.unreadable.map(({ path }) => path)).toEqual([b, d, join(folder, "gone.png")]);
    expect(loaded.unreadable.map(({ reason }) => reason)).toEqual([
      "is an HTML page (a download that failed?)",
      "is empty",
      "there is no such file",
    ]);
  });

  test("loads three channels where wished", async () => {
    const [path] = await makePictures();
    const grey = await loadPictures([path!], { preprocessing, cacheFolder: null });
    const rgb = workingPreprocessing(16, { channels: "rgb" });
    const loaded = await loadPictures([path!], { preprocessing: rgb, cacheFolder: null });
    expect(loaded.channels).toBe(3);
    expect(Array.from(loaded.data)).toEqual(Array.from(grey.data).flatMap((value) => [value, value, value]));
  });

  test("tells of progress, file by file", async () => {
    const paths = await makePictures();
    const seen: LoadProgress[] = [];
    await loadPictures(paths, { preprocessing, cacheFolder: null, onProgress: (progress) => seen.push(progress) });
    expect(seen).toEqual([1, 2, 3, 4, 5].map((done) => ({ done, total: 5 })));
  });

  test("stops when asked, and begins nothing more", async () => {
    const paths = await makePictures();
    const controller = new AbortController();
    const seen: number[] = [];
    const loading = loadPictures(paths, {
      preprocessing,
      cacheFolder: null,
      concurrency: 1,
      signal: controller.signal,
      onProgress: ({ done }) => {
        seen.push(done);
        if (done === 2) controller.abort(new Error("enough"));
      },
    });
    await expect(loading).rejects.toThrow("enough");
    expect(seen).toEqual([1, 2]);
  });

  test("an array too large for memory is an error that says how large", async () => {
    const paths = Array.from({ length: 100_000 }, (_, i) => `${i}.png`);
    const loading = loadPictures(paths, { preprocessing: workingPreprocessing(16384), cacheFolder: null });
    await expect(loading).rejects.toThrow(
      new PictureMemoryError("100000 pictures of 268435456 bytes each, 26843.5 GB, do not fit into memory"),
    );
  });
});

describe("the cache", () => {
  test("gives the same pictures without decoding them again", async () => {
    const paths = await makePictures();
    const first = await loadPictures(paths, { preprocessing, cacheFolder });
    const second = await loadPictures(paths, { preprocessing, cacheFolder });
    expect([first.cache, second.cache]).toEqual([
      { hits: 0, problem: null },
      { hits: 5, problem: null },
    ]);
    expect(second.data).toEqual(first.data);
    expect(entries().length).toBe(5);
  });

  test("is not used for a file that changed, nor for another size or colour", async () => {
    const paths = await makePictures();
    await loadPictures(paths, { preprocessing, cacheFolder });
    const { data } = await loadPictures([paths[0]!], { preprocessing, cacheFolder: null });
    // The same bytes with another time, and other bytes with the same time.
    utimesSync(paths[0]!, 1, 1);
    const { mtime } = statSync(paths[1]!);
    writeFileSync(paths[1]!, readFileSync(paths[2]!));
    utimesSync(paths[1]!, mtime, mtime);
    const again = await loadPictures(paths, { preprocessing, cacheFolder });
    expect(again.cache.hits).toBe(3);
    expect(again.data.subarray(0, 256)).toEqual(data);
    expect(again.data.subarray(256, 512)).toEqual(again.data.subarray(512, 768));
    for (const other of [
      workingPreprocessing(15),
      { ...preprocessing, resize: 20 },
      workingPreprocessing(16, { channels: "rgb" }),
    ]) {
      expect((await loadPictures(paths, { preprocessing: other, cacheFolder })).cache.hits).toBe(0);
    }
  });

  test("ignores and mends damaged entries", async () => {
    const paths = await makePictures();
    const { data } = await loadPictures(paths, { preprocessing, cacheFolder });
    const [a, b, c] = entries();
    writeFileSync(a!, readFileSync(a!).fill(7, 100, 101));
    writeFileSync(b!, readFileSync(b!).subarray(0, 99));
    writeFileSync(c!, "");
    const mended = await loadPictures(paths, { preprocessing, cacheFolder });
    expect(mended.cache.hits).toBe(2);
    expect(mended.data).toEqual(data);
    expect((await loadPictures(paths, { preprocessing, cacheFolder })).cache.hits).toBe(5);
  });

  test("that can't be written is reported, and the pictures are loaded all the same", async () => {
    const paths = await makePictures();
    writeFileSync(cacheFolder, "a file where the folder would be");
    const loaded = await loadPictures(paths, { preprocessing, cacheFolder });
    expect(loaded.cache.problem).toMatch(/ENOTDIR|EEXIST/);
    expect(Array.from(loaded.data)).toEqual(await oneByOne(paths));
  });

  test.skipIf(process.platform === "win32")("is for the user's eyes only, and leaves no temporary files", async () => {
    await loadPictures(await makePictures(), { preprocessing, cacheFolder });
    expect(entries().every((path) => (statSync(path).mode & 0o077) === 0 && !path.endsWith(".tmp"))).toBe(true);
  });

  test("is not made where it is not wanted", async () => {
    await loadPictures(await makePictures(), { preprocessing, cacheFolder: null });
    expect(existsSync(cacheFolder)).toBe(false);
  });

  test("lies in the user's cache folder, or where FRACTURE_CACHE says", () => {
    expect(defaultPictureCacheFolder({ FRACTURE_CACHE: "/own" })).toBe(join("/own", "pictures"));
    expect(defaultPictureCacheFolder({ XDG_CACHE_HOME: "/caches" })).toBe(join("/caches", "fracture", "pictures"));
  });
});
