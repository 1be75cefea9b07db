import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { deflateSync } from "node:zlib";
import type { Picture } from "@fracture/resnet";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decodeImage, decodeImageBytes, ImageError, loadImageBytes, type DecodeOptions } from "./decode.ts";
import { gifOfSize, greyPng, withChunk } from "./testdata/hostile.ts";

interface Read {
  readonly size: readonly [number, number];
  readonly grey: string;
  readonly rgb: string;
}
const pillow: {
  readonly kinds: Readonly<Record<string, Read & { readonly file: string }>>;
  readonly real: Readonly<Record<string, Read | { readonly refused: string }>>;
} = JSON.parse(readFileSync(new URL("./testdata/decode.json", import.meta.url), "utf8"));

const sha256 = (data: Uint8Array): string => createHash("sha256").update(data).digest("hex");
const fileOf = (kind: string): Buffer => Buffer.from(pillow.kinds[kind]!.file, "base64");
const decode = (bytes: Uint8Array, options: Partial<DecodeOptions> = {}): Promise<Picture> =>
  decodeImageBytes(bytes, "x.jpg", { channels: "grey", ...options });

/** As the oracle's script notes what Pillow reads. */
async function noteOf(bytes: Uint8Array): Promise<Read> {
  const grey = await decode(bytes);
  const rgb = await decode(bytes, { channels: "rgb" });
  expect([rgb.width, rgb.height, grey.channels, rgb.channels]).toEqual([grey.width, grey.height, 1, 3]);
  return { size: [grey.width, grey.height], grey: sha256(grey.data), rgb: sha256(rgb.data) };
}

test.each(Object.keys(pillow.kinds))("reads what Pillow reads: %s", async (kind) => {
  const { file: _, ...read } = pillow.kinds[kind]!;
  expect(await noteOf(fileOf(kind))).toEqual(read);
});

test.each([
  ["JPEG", ["jpeg", 8, "RGB"], []],
  ["CMYK JPEG", ["jpeg", 8, "CMYK"], ["CMYK turned into RGB"]],
  ["JPEG with a colour profile", ["jpeg", 8, "RGB"], ["colour profile not applied"]],
  ["JPEG, orientation 6", ["jpeg", 8, "RGB"], ["turned upright (EXIF 6)"]],
  ["PNG with alpha", ["png", 8, "RGB"], ["alpha dropped"]],
  ["grey PNG with alpha", ["png", 8, "grey"], ["alpha dropped"]],
  ["PNG with a palette and transparency", ["png", 2, "palette"], ["palette expanded", "alpha dropped"]],
  ["TIFF of 1 bit", ["tiff", 1, "grey"], ["1 bit expanded to 8"]],
] as const)("says what it did: %s", async (kind, file, done) => {
  const { source } = await loadImageBytes(fileOf(kind), "x", { channels: "rgb" });
  expect([source.format, source.bits, source.colour]).toEqual(file);
  expect(source.conversions.map(({ text }) => text)).toEqual(done);
});

test("says that colours became grey, and 16 bits 8", async () => {
  const said = async (bytes: Uint8Array): Promise<string[]> =>
    (await loadImageBytes(bytes, "x", { channels: "grey" })).source.conversions.map(({ text }) => text);
  expect(await said(fileOf("JPEG"))).toEqual(["colours turned into grey"]);
  expect(await said(greyPng({ width: 1, height: 1, bits: 16, rows: Buffer.from([0, 1, 2]) }))).toEqual([
    "16 bits scaled to 8",
  ]);
});

describe("16 bits", () => {
  test("are scaled by 255 / 65535 and rounded, not cut", async () => {
    const rows = Buffer.alloc(256 * 513);
    for (let v = 0; v < 65536; v++) rows.writeUInt16BE(v, Math.floor(v / 256) * 513 + 1 + (v % 256) * 2);
    const { data } = await decode(greyPng({ width: 256, height: 256, bits: 16, rows }));
    expect(data).toEqual(Uint8Array.from({ length: 65536 }, (_, v) => Math.round((v * 255) / 65535)));
  });

  test("of three colours are scaled too, before they become grey", async () => {
    const values = Uint16Array.from([65535, 0, 0, 129, 128, 32896]);
    const file = await sharp(values, { raw: { width: 2, height: 1, channels: 3 } })
      .toColourspace("rgb16")
      .png()
      .toBuffer();
    const rgb = await decode(file, { channels: "rgb" });
    expect(Array.from(rgb.data)).toEqual([255, 0, 0, 1, 0, 128]);
    expect(Array.from((await decode(file)).data)).toEqual([76, 15]);
  });
});

describe("files that are no picture", () => {
  const svg = `<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>`;
  test.each([
    ["", "is empty"],
    [svg, "is an SVG drawing"],
    ["\n<!DOCTYPE html><html><body>Sign in</body></html>", "is an HTML page (a download that failed?)"],
    ["version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer: the file itself was never downloaded"],
    ["patient,age\n1,50\n", "is a text file"],
    ["BM\x36\0\0\0", "is a BMP picture, which is not read here: convert it to PNG"],
    ["%PDF-1.7", "is a PDF"],
    ["\0\x01\x02\x03", "is no picture in a known format"],
  ])("are refused by content, and named: %j", async (content, reason) => {
    await expect(decode(Buffer.from(content, "latin1"))).rejects.toThrow(new ImageError("x.jpg", reason));
  });
});

describe("limits", () => {
  test("a PNG of 17,000 x 17,000 pixels is refused before it is decoded", async () => {
    const bomb = greyPng({ width: 17_000, height: 17_000, bits: 8, rows: new Uint8Array() });
    await expect(decode(bomb)).rejects.toThrow(
      "x.jpg: 17000 x 17000 are 289 million pixels, more than the limit of 100 million",
    );
  });

  test("a GIF of 65,535 x 65,535 pixels is refused", async () => {
    await expect(decode(gifOfSize(65535, 65535))).rejects.toThrow("65535 x 65535 are 4294.836225 million pixels");
  });

  test("a PNG's compressed text that grows to 200 MB does no harm", async () => {
    const text = Buffer.concat([
      Buffer.from("Raw profile type exif\0\0"),
      deflateSync(Buffer.alloc(200e6), { level: 1 }),
    ]);
    expect(sha256((await decode(withChunk(fileOf("PNG"), "zTXt", text))).data)).toBe(pillow.kinds["PNG"]!.grey);
  });

  test("the limit can be set, and counts what is within it", async () => {
    const file = fileOf("PNG");
    await expect(decode(file, { maxPixels: 27 * 19 - 1 })).rejects.toThrow("more than the limit of 0.000512 million");
    for (const maxPixels of [27 * 19, Infinity]) expect((await decode(file, { maxPixels })).width).toBe(27);
  });
});

describe("damaged files", () => {
  const kinds = ["JPEG", "progressive JPEG", "PNG", "GIF", "WebP", "TIFF"];

  test.each(kinds)("a truncated %s is refused, wherever it ends", async (kind) => {
    const file = fileOf(kind);
    // A GIF is whole without its trailer byte.
    for (const end of [12, 40, file.length >> 1, Math.floor(file.length * 0.9), file.length - 2]) {
      await expect(decode(file.subarray(0, end)), `first ${end} of ${file.length} bytes`).rejects.toThrow(ImageError);
    }
  });

  test.each(["JPEG", "progressive JPEG"])("a %s that was cut and given an end is refused", async (kind) => {
    const file = fileOf(kind);
    const cut = Buffer.concat([file.subarray(0, file.length - 30), Buffer.from([0xff, 0xd9])]);
    await expect(decode(cut)).rejects.toThrow("x.jpg: truncated or corrupt JPEG (Corrupt JPEG data: premature end");
  });

  test("a PNG with a wrong checksum or without its end is refused", async () => {
    const file = fileOf("PNG");
    const flipped = Buffer.from(file);
    flipped[file.length >> 1]! ^= 0xff;
    await expect(decode(flipped)).rejects.toThrow("x.jpg: corrupt PNG");
    await expect(decode(file.subarray(0, file.length - 12))).rejects.toThrow("x.jpg: truncated PNG (it has no end)");
  });

  test("padding before a JPEG's end and bytes after any picture's end do no harm", async () => {
    const jpeg = fileOf("progressive JPEG");
    const end = jpeg.subarray(-2);
    const padded = Buffer.concat([jpeg.subarray(0, -2), Buffer.alloc(9), end]);
    expect((await decode(padded)).data).toEqual((await decode(jpeg)).data);
    for (const kind of kinds) {
      const file = fileOf(kind);
      expect(await noteOf(Buffer.concat([file, Buffer.from("more")]))).toEqual(await noteOf(file));
    }
  });

  test("metadata that makes no sense does no harm", async () => {
    const jpeg = fileOf("JPEG");
    const exif = Buffer.concat([Buffer.from("Exif\0\0II*\0"), Buffer.alloc(40, 0xfe)]);
    const length = Buffer.from([0xff, 0xe1, 0, exif.length + 2]);
    const odd = Buffer.concat([jpeg.subarray(0, 2), length, exif, jpeg.subarray(2)]);
    expect((await decode(odd)).data).toEqual((await decode(jpeg)).data);

    for (const profile of [
      "\nexif\n 9\n4578696600004d4d002affffffff",
      "",
      "\n\n\nzz",
      "\nexif\n 0\n49492a0008000000ffff",
    ]) {
      const png = withChunk(fileOf("PNG"), "tEXt", Buffer.from(`Raw profile type exif\0${profile}`));
      expect(sha256((await decode(png)).data)).toBe(pillow.kinds["PNG"]!.grey);
    }
  });

  test("noise after a right beginning is refused", async () => {
    for (const kind of kinds) {
      const noise = Buffer.concat([fileOf(kind).subarray(0, 16), Buffer.alloc(3000, 0x5a)]);
      await expect(decode(noise), kind).rejects.toThrow(ImageError);
    }
  });
});

describe("decodeImage", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "fracture-decode-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test("judges a file by its content, not by its name", async () => {
    const path = join(folder, "picture.jpeg");
    writeFileSync(path, fileOf("PNG"));
    expect(sha256((await decodeImage(path, { channels: "grey" })).data)).toBe(pillow.kinds["PNG"]!.grey);
  });

  test("an error names the path and the reason", async () => {
    const path = join(folder, "page.jpg");
    writeFileSync(path, "<html></html>");
    const error = await decodeImage(path, { channels: "grey" }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ImageError);
    expect(error).toMatchObject({ path, reason: "is an HTML page (a download that failed?)" });
  });

  test("a missing file, a folder and a pipe are refused, and none is waited for", async () => {
    const [missing, nested, pipe] = ["missing.png", "nested.png", "pipe.png"].map((name) => join(folder, name));
    mkdirSync(nested!);
    await expect(decodeImage(missing!, { channels: "grey" })).rejects.toThrow(`${missing}: there is no such file`);
    await expect(decodeImage(nested!, { channels: "grey" })).rejects.toThrow(`${nested}: is a folder`);
    if (process.platform === "win32") return;
    execFileSync("mkfifo", [pipe!]);
    await expect(decodeImage(pipe!, { channels: "grey" })).rejects.toThrow(`${pipe}: is no regular file`);
  });
});

const REAL = fileURLToPath(new URL("../../../../../shared/data/", import.meta.url));

/** Where the result is to differ from Pillow's, and why. */
const DEVIATIONS: Readonly<Record<string, string>> = {
  "odd/mode_16bit.png": "Pillow cuts 16 bits to the upper 8",
  "odd/truncated_exif_dpi.jpg": "Pillow gives up on an odd resolution; the picture is whole",
};

describe.skipIf(!existsSync(REAL))("real files (skipped where ../shared/data is missing)", () => {
  test.each(Object.keys(pillow.real).filter((name) => !(name in DEVIATIONS)))("as Pillow: %s", async (name) => {
    const expected = pillow.real[name]!;
    const bytes = readFileSync(join(REAL, name));
    if ("refused" in expected || name.endsWith(".bmp")) await expect(decode(bytes)).rejects.toThrow(ImageError);
    else expect(await noteOf(bytes)).toEqual(expected);
  });

  test.each(Object.keys(DEVIATIONS))("read in spite of Pillow: %s", async (name) => {
    expect((await decode(readFileSync(join(REAL, name)))).data.length).toBeGreaterThan(0);
  });
});
