import sharp from "sharp";
import { expect, test } from "vitest";
import { loadImageBytes, type LoadedImage } from "../decode.ts";
import { buildDicom, elements, encapsulated, greyAttributes, type Attributes } from "./testdata/buildDicom.ts";

const load = (bytes: Uint8Array): Promise<LoadedImage> => loadImageBytes(bytes, "x.dcm", { channels: "rgb" });

test("an orientation that a camera left in a JPEG turns nothing: rows and columns are the DICOM file's", async () => {
  const levels = Uint8Array.from({ length: 16 * 24 }, (_, i) => 10 * (i % 24));
  const raw = { width: 24, height: 16, channels: 1 } as const;
  const plain = await sharp(levels, { raw }).toColourspace("b-w").jpeg({ quality: 100 }).toBuffer();
  // EXIF with one entry: orientation (0x0112), a short, 6.
  const tiff = [0x49, 0x49, 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0];
  const exif = Buffer.from([0xff, 0xe1, 0, 8 + tiff.length, ...Buffer.from("Exif\0\0"), ...tiff]);
  const jpeg = Buffer.concat([plain.subarray(0, 2), exif, plain.subarray(2)]);
  expect((await loadImageBytes(jpeg, "x.jpg", { channels: "grey" })).picture).toMatchObject({ width: 16, height: 24 });
  const eight: Attributes = { "0028,0100": ["US", [8]], "0028,0101": ["US", [8]], "0028,0102": ["US", [7]] };
  const grey = (await load(encapsulated(greyAttributes(16, 24, [], eight), "1.2.840.10008.1.2.4.50", jpeg))).picture;
  expect([grey.width, grey.height]).toEqual([24, 16]);
  for (const i of [0, 12, 23, 24, 383]) expect(Math.abs(grey.data[3 * i]! - levels[i]!)).toBeLessThanOrEqual(3);
});

test("big endian words of an odd number of bytes are swapped with their padding", async () => {
  const bigEndian = (attributes: Attributes): Buffer => {
    const bytes = elements(attributes);
    for (let at = 0; at < bytes.length;) {
      const long = bytes.toString("latin1", at + 4, at + 6) === "OW";
      const length = long ? bytes.readUInt32LE(at + 8) : bytes.readUInt16LE(at + 6);
      const value = at + (long ? 12 : 8);
      bytes.subarray(at, at + 4).swap16();
      if (long) bytes.subarray(at + 8, at + 12).swap32();
      else bytes.subarray(at + 6, at + 8).swap16();
      if (long || bytes.toString("latin1", at + 4, at + 6) === "US") bytes.subarray(value, value + length).swap16();
      at = value + length;
    }
    return bytes;
  };
  const eight: Attributes = {
    "0028,0100": ["US", [8]],
    "0028,0101": ["US", [8]],
    "0028,0102": ["US", [7]],
    "7fe0,0010": ["OW", Uint8Array.of(10, 20, 30, 0)],
  };
  const head = buildDicom({}, "1.2.840.10008.1.2.2");
  const { data } = (await load(Buffer.concat([head, bigEndian(greyAttributes(1, 3, [], eight))]))).picture;
  expect(data.filter((_, i) => i % 3 === 0)).toEqual(Uint8Array.of(10, 20, 30));
});
