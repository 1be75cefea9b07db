import { readFileSync } from "node:fs";
import { deflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { ImageError, loadImageBytes, type LoadedImage } from "../decode.ts";
import { sniffImage } from "../imageFormat.ts";
import { buildDicom, elements, encapsulated, greyAttributes, item, type Attributes } from "./testdata/buildDicom.ts";

const oracle: {
  readonly kinds: Readonly<
    Record<string, { readonly file: string; readonly levels: string; readonly channels: 1 | 3 }>
  >;
} = JSON.parse(readFileSync(new URL("./testdata/dicom.json", import.meta.url), "utf8"));

const fileOf = (kind: string): Buffer => Buffer.from(oracle.kinds[kind]!.file, "base64");
const load = (bytes: Uint8Array, maxPixels?: number): Promise<LoadedImage> =>
  loadImageBytes(bytes, "x.dcm", { channels: "rgb", ...(maxPixels === undefined ? {} : { maxPixels }) });
const said = async (kind: string): Promise<string[]> =>
  (await load(fileOf(kind))).source.conversions.map(({ text }) => text);

/** Files that other libraries decode to other last bits: IDCT, wavelets and colours in integers or floats. */
const LOSSY = new Set([
  "JPEG baseline of colours, subsampled",
  "JPEG baseline of colours",
  "JPEG 2000, lossy",
  "YBR_FULL",
]);

describe("pixels", () => {
  const kinds = Object.keys(oracle.kinds);
  test.each(kinds.filter((kind) => !LOSSY.has(kind)))("are pydicom's and GDCM's, level by level: %s", async (kind) => {
    const { levels, channels } = oracle.kinds[kind]!;
    const { picture, source } = await load(fileOf(kind));
    expect(source).toMatchObject({ format: "dicom", width: 21, height: 13, colour: channels === 1 ? "grey" : "RGB" });
    const grey = channels === 1 ? picture.data.filter((_, i) => i % 3 === 0) : picture.data;
    expect(Array.from(grey)).toEqual(Array.from(Buffer.from(levels, "base64")));
  });

  test.each([...LOSSY])("are pydicom's and GDCM's within a level: %s", async (kind) => {
    const { levels, channels } = oracle.kinds[kind]!;
    const { data } = (await load(fileOf(kind))).picture;
    const expected = Buffer.from(levels, "base64");
    const worst = Math.max(...expected.map((level, i) => Math.abs(level - data[channels === 1 ? 3 * i : i]!)));
    expect(worst).toBeLessThanOrEqual(1);
  });
});

/** Grey levels of one row of stored values. */
async function row(pixels: readonly number[], more: Attributes = {}): Promise<number[]> {
  const { picture } = await load(buildDicom(greyAttributes(1, pixels.length, pixels, more)));
  return Array.from(picture.data.filter((_, i) => i % 3 === 0));
}

describe("display", () => {
  test("what was done is said, with the file's numbers", async () => {
    expect(await said("MONOCHROME1")).toEqual(["window 1200/1800 applied", "MONOCHROME1 inverted"]);
    expect(await said("the first of two windows")).toEqual(["window 900/700, the first of 2, applied"]);
    expect(await said("window SIGMOID")).toEqual(["window 1200/1800 SIGMOID applied"]);
    expect(await said("rescaled")).toEqual(["rescaled by slope 1.5, intercept -1024", "window 300/2000 applied"]);
    expect(await said("explicit little endian")).toEqual([
      expect.stringMatching(/^no window: \d+ to \d+ stretched to 8 bits$/),
    ]);
    expect(await said("two frames")).toEqual(["the first of 2 frames", "window 1200/1800 applied"]);
    expect(await said("VOI LUT")).toEqual(["VOI LUT applied"]);
    expect(await said("8 bits")).toEqual([]);
    expect(await said("YBR_FULL")).toEqual(["YBR_FULL turned into RGB"]);
  });

  test("without a window least to most is stretched, and padding is no part of it", async () => {
    expect(await row([100, 300, 500])).toEqual([0, 128, 255]);
    expect(await row([4095, 100, 300, 500], { "0028,0120": ["US", [4095]] })).toEqual([255, 0, 128, 255]);
    expect(await row([7, 7, 7])).toEqual([0, 0, 0]);
  });

  test("a window without sense is as good as none", async () => {
    const without = await row([100, 300, 500]);
    for (const width of ["0", "-20", "wide", ""])
      expect(await row([100, 300, 500], { "0028,1050": ["DS", "300"], "0028,1051": ["DS", width] })).toEqual(without);
  });

  test("bits beside the stored ones don't count, wherever these lie", async () => {
    const high: Attributes = { "0028,0102": ["US", [15]] };
    const values = [0x0000, 0x7ff0, 0xfff0];
    expect(await row(values, high)).toEqual([0, 127, 255]);
    expect(await row([0x0005, 0x7ff3, 0xfffa], high)).toEqual(await row(values, high));
    expect(await row([0xf000, 0x37ff, 0x8fff])).toEqual([0, 127, 255]);
  });

  test("of a picture with functional groups, those of the first frame go before those of all", async () => {
    const groups = (centre: string): Buffer =>
      item({
        "0028,9132": ["SQ", item({ "0028,1050": ["DS", centre], "0028,1051": ["DS", "101"] })],
        "0028,9145": ["SQ", item({ "0028,1052": ["DS", "10"], "0028,1053": ["DS", "1"] })],
      });
    const shared: Attributes = { "5200,9229": ["SQ", groups("300.5")] };
    expect(await row([239, 290, 341], shared)).toEqual([0, 128, 255]);
    expect(await row([239, 290, 341], { ...shared, "5200,9230": ["SQ", groups("351.5")] })).toEqual([0, 0, 128]);
  });
});

describe("what a file is", () => {
  test("is told by content, with a preamble, without, and without a header", () => {
    for (const kind of Object.keys(oracle.kinds)) expect(sniffImage(fileOf(kind)), kind).toEqual({ format: "dicom" });
    expect(sniffImage(fileOf("8 bits").subarray(132))).toEqual({ format: "dicom" });
    expect(
      sniffImage(elements({ "0008,0005": ["CS", "ISO_IR 100"], "0010,0010": ["PN", "Doe^Jane"] })).format,
    ).toBeNull();
    expect(sniffImage(Buffer.alloc(200)).format).toBeNull();
  });

  test("is DICOM, though its first bytes may be those of a TIFF", async () => {
    const both = Buffer.from(fileOf("8 bits"));
    both.set(Buffer.from("II*\0"));
    expect(await load(both)).toEqual(await load(fileOf("8 bits")));
  });

  test("is read without its preamble", async () => {
    const whole = await load(fileOf("JPEG-LS"));
    expect((await load(fileOf("JPEG-LS").subarray(132))).picture).toEqual(whole.picture);
  });
});

test("nothing of the patient is in what is told", async () => {
  for (const kind of Object.keys(oracle.kinds)) {
    const { source } = await load(fileOf(kind));
    expect(JSON.stringify(source)).not.toMatch(/Doe|Jane|4711/);
  }
});

/** Why a file is refused. */
async function refusal(bytes: Uint8Array, maxPixels?: number): Promise<string> {
  const error = await load(bytes, maxPixels).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ImageError);
  return (error as ImageError).reason;
}

describe("hostile and unusual files", () => {
  const JPEG_2000 = "1.2.840.10008.1.2.4.90";
  const small = greyAttributes(2, 2, [1, 2, 3, 4]);
  const without = (tag: string): Attributes =>
    Object.fromEntries(Object.entries(small).filter(([name]) => name !== tag));
  const changed = (more: Attributes): Buffer => buildDicom({ ...small, ...more });

  test.each<readonly [string, Buffer, string]>([
    ["no rows", buildDicom(without("0028,0010")), "DICOM without Rows (0028,0010)"],
    ["no columns", changed({ "0028,0011": ["US", [0]] }), "DICOM whose Columns (0028,0011) is 0"],
    ["no pixels", buildDicom(without("7fe0,0010")), "DICOM that holds no picture: there are no pixels (7fe0,0010)"],
    [
      "no photometric interpretation",
      buildDicom(without("0028,0004")),
      "DICOM without PhotometricInterpretation (0028,0004)",
    ],
    [
      "a palette",
      changed({ "0028,0004": ["CS", "PALETTE COLOR"] }),
      "DICOM with the photometric interpretation PALETTE COLOR, which is not read here",
    ],
    ["32 bits", changed({ "0028,0100": ["US", [32]] }), "DICOM with 32 bits allocated, which is not read here"],
    [
      "bits that can't be",
      changed({ "0028,0101": ["US", [17]] }),
      "DICOM that stores 17 bits up to bit 11 of 16: that can't be",
    ],
    [
      "fewer pixels than rows and columns need",
      changed({ "0028,0010": ["US", [3]] }),
      "truncated DICOM (8 bytes of pixels where 12 are needed)",
    ],
    [
      "a transfer syntax of video",
      buildDicom(small, "1.2.840.10008.1.2.4.102"),
      "DICOM with the transfer syntax 1.2.840.10008.1.2.4.102 (a video (MPEG)), which is not read here",
    ],
    [
      "pixels without fragments",
      buildDicom(small, JPEG_2000),
      "corrupt DICOM (pixels that are not in fragments, but the transfer syntax is a compressed one)",
    ],
    [
      "noise for a codestream",
      encapsulated(without("7fe0,0010"), JPEG_2000, Buffer.alloc(100, 7)),
      "corrupt DICOM (the compressed pixels have no JPEG 2000 header)",
    ],
    [
      "a preamble and nothing else",
      Buffer.from("\0".repeat(128) + "DICM"),
      "DICOM without TransferSyntaxUID (0002,0010)",
    ],
  ])("%s: refused, and named", async (_, file, reason) => {
    expect(await refusal(file)).toBe(reason);
  });

  test("65,535 x 65,535 pixels are refused before anything is decoded", async () => {
    const bomb = changed({ "0028,0010": ["US", [65535]], "0028,0011": ["US", [65535]] });
    expect(await refusal(bomb)).toContain(
      "65535 x 65535 are 4294.836225 million pixels, more than the limit of 100 million",
    );
  });

  test("a codestream that is larger than the file says is refused before it is decoded", async () => {
    const siz = Buffer.alloc(60);
    siz.set([0xff, 0x4f, 0xff, 0x51, 0, 41]);
    siz.writeUInt32BE(60_000, 8);
    siz.writeUInt32BE(60_000, 12);
    siz.writeUInt16BE(1, 40);
    siz[42] = 11;
    expect(await refusal(encapsulated(without("7fe0,0010"), JPEG_2000, siz))).toBe(
      "corrupt DICOM (2 x 2 pixels of 1, but the compressed ones are 60000 x 60000 of 1, 12 bits)",
    );
  });

  test("what inflates to more than pixels can need is refused", async () => {
    const header = buildDicom({}, "1.2.840.10008.1.2.1.99");
    const bomb = Buffer.concat([header, deflateRawSync(Buffer.alloc(40e6), { level: 1 })]);
    expect(await refusal(bomb, 1e6)).toBe("deflated DICOM that inflates to more than 20 MB");
  });

  test.each(Object.keys(oracle.kinds))("cut anywhere before its pixels end, %s is refused", async (kind) => {
    // Of two frames the first is enough, and a last null byte is padding.
    const file = fileOf(kind);
    const whole = kind.startsWith("two frames") ? file.length >> 1 : file.length - 2;
    for (const end of [140, 300, whole >> 1, Math.floor(whole * 0.8), whole])
      expect(await refusal(file.subarray(0, end)), `first ${end} of ${file.length} bytes`).toMatch(/./);
  });

  test.each(["JPEG lossless", "JPEG-LS of 8 bits", "JPEG 2000", "JPEG baseline", "RLE"])(
    "%s cut within its fragment is refused, and no decoder runs on for ever",
    async (kind) => {
      const file = fileOf(kind);
      const table = file.indexOf(Buffer.from([0xe0, 0x7f, 0x10, 0x00])) + 12;
      const start = table + 8 + file.readUInt32LE(table + 4);
      const length = file.readUInt32LE(start + 4);
      for (const share of [0.98, 0.9, 0.5]) {
        const kept = Math.floor(length * share) & ~1;
        const cut = Buffer.from(Buffer.concat([file.subarray(0, start + 8 + kept), file.subarray(start + 8 + length)]));
        cut.writeUInt32LE(kept, start + 4);
        expect(await refusal(cut), String(share)).toMatch(/truncated|corrupt/);
      }
    },
  );
});
