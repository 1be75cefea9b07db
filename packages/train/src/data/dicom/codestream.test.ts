import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ImageError, loadImageBytes } from "../decode.ts";
import { jpeg2000Header } from "./codestream.ts";
import { encapsulated, greyAttributes } from "./testdata/buildDicom.ts";

const JPEG_2000 = "1.2.840.10008.1.2.4.90";
const JPEG_LOSSLESS = "1.2.840.10008.1.2.4.70";

const oracle: { readonly kinds: Readonly<Record<string, { readonly file: string }>> } = JSON.parse(
  readFileSync(new URL("./testdata/dicom.json", import.meta.url), "utf8"),
);

/** The compressed frame of a file of the oracle, without what pads it. */
function frameOf(kind: string): Buffer {
  const file = Buffer.from(oracle.kinds[kind]!.file, "base64");
  const table = file.indexOf(Buffer.from([0xe0, 0x7f, 0x10, 0x00])) + 12;
  const start = table + 8 + file.readUInt32LE(table + 4);
  return file.subarray(start + 8, start + 8 + file.readUInt32LE(start + 4));
}

/** SOC and SIZ of a grey picture of 12 bits. */
function siz(width: number, height: number): Buffer {
  const bytes = Buffer.alloc(60);
  bytes.set([0xff, 0x4f, 0xff, 0x51, 0, 41]);
  bytes.writeUInt32BE(width, 8);
  bytes.writeUInt32BE(height, 12);
  bytes.writeUInt16BE(1, 40);
  bytes[42] = 11;
  return bytes;
}

function box(type: string, content: Uint8Array, how: "32 bits" | "64 bits" | "to the end" = "32 bits"): Buffer {
  const head = Buffer.alloc(how === "64 bits" ? 16 : 8);
  head.write(type, 4, "latin1");
  if (how === "32 bits") head.writeUInt32BE(8 + content.length);
  if (how === "64 bits") {
    head.writeUInt32BE(1);
    head.writeBigUInt64BE(BigInt(16 + content.length), 8);
  }
  return Buffer.concat([head, content]);
}

const SIGNATURE = box("jP  ", Buffer.from([0x0d, 0x0a, 0x87, 0x0a]));

async function refusal(frame: Uint8Array, syntax: string, rows = 2, columns = 2): Promise<string> {
  const file = encapsulated(greyAttributes(rows, columns, []), syntax, frame);
  const error = await loadImageBytes(file, "x.dcm", { channels: "grey" }).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ImageError);
  return (error as ImageError).reason;
}

describe("the header of JPEG 2000", () => {
  test.each(["32 bits", "64 bits", "to the end"] as const)(
    "is that of the codestream's box, a length of %s, whatever boxes before it hold",
    (how) => {
      const file = Buffer.concat([SIGNATURE, box("uuid", siz(2, 2)), box("jp2c", siz(60_000, 50_000), how)]);
      expect(jpeg2000Header(file)).toEqual({ width: 60_000, height: 50_000, components: 1, bits: 12 });
    },
  );

  test("is that of a bare codestream", () => {
    expect(jpeg2000Header(siz(7, 5))).toMatchObject({ width: 7, height: 5 });
  });

  test.each([
    ["a box that ends before its own head", Buffer.concat([SIGNATURE, Buffer.alloc(3), Buffer.from([4]), siz(2, 2)])],
    ["a box that reaches beyond the file", Buffer.concat([SIGNATURE, box("jp2c", siz(2, 2)).fill(0xff, 0, 4)])],
    ["no box of a codestream", Buffer.concat([SIGNATURE, box("uuid", siz(2, 2))])],
    ["something before the codestream", Buffer.concat([Buffer.alloc(4), siz(2, 2)])],
  ])("is not found in %s", (_, file) => {
    expect(() => jpeg2000Header(file)).toThrow("the compressed pixels have no JPEG 2000 header");
  });
});

describe("a small header before a large codestream", () => {
  test("in a box of a JP2 file is refused before anything is decoded", async () => {
    const file = Buffer.concat([SIGNATURE, box("uuid", siz(2, 2)), box("jp2c", siz(60_000, 60_000))]);
    expect(await refusal(file, JPEG_2000)).toBe(
      "corrupt DICOM (2 x 2 pixels of 1, but the compressed ones are 60000 x 60000 of 1, 12 bits)",
    );
  });

  test("as a second frame header of a JPEG is refused before anything is decoded", async () => {
    const frame = frameOf("JPEG lossless");
    const fake = Buffer.from([0xff, 0xc3, 0, 11, 12, 0, 2, 0, 2, 1, 1, 0x11, 0]);
    expect(await refusal(Buffer.concat([frame.subarray(0, 2), fake, frame.subarray(2)]), JPEG_LOSSLESS)).toBe(
      "corrupt DICOM (the compressed pixels have more than one JPEG header)",
    );
  });
});
