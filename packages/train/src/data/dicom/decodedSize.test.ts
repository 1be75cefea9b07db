import { expect, test, vi } from "vitest";
import { loadImageBytes } from "../decode.ts";
import { CODEC_LIMITS, startWorker } from "./codecWorkers.ts";
import { encapsulated, greyAttributes } from "./testdata/buildDicom.ts";

let decoded = 0;
vi.mock("./codecs.ts", () => ({
  decodeFrame: async () => ({ samples: new Uint8Array(decoded), planar: false }),
}));

/** Two by two grey pixels of 12 bits: SOI, the frame header, SOS. */
const JPEG = Buffer.from([
  0xff, 0xd8, 0xff, 0xc3, 0, 11, 12, 0, 2, 0, 2, 1, 1, 0x11, 0, 0xff, 0xda, 0, 8, 1, 1, 0, 1, 0, 0,
]);
const SIZ = Buffer.alloc(60);
SIZ.set([0xff, 0x4f, 0xff, 0x51, 0, 41]);
SIZ.set([2], 11);
SIZ.set([2], 15);
SIZ.set([0, 1, 11], 40);

test.each([
  ["JPEG 2000", "1.2.840.10008.1.2.4.90", SIZ],
  ["JPEG-LS", "1.2.840.10008.1.2.4.80", JPEG],
  ["lossless JPEG", "1.2.840.10008.1.2.4.70", JPEG],
])("%s that decodes to more or fewer samples than its header says is refused", async (_, syntax, frame) => {
  const file = encapsulated(greyAttributes(2, 2, []), syntax, frame);
  const load = (bytes: number) => {
    decoded = bytes;
    return loadImageBytes(file, "x.dcm", { channels: "grey" });
  };
  expect((await load(8)).picture).toMatchObject({ width: 2, height: 2 });
  await expect(load(7)).rejects.toThrow("7 bytes where 8 are needed");
  await expect(load(10)).rejects.toThrow("10 bytes where 8 are needed");
});

test("a thread that decodes has a limit on its heap", async () => {
  const worker = startWorker();
  expect(worker.resourceLimits).toMatchObject(CODEC_LIMITS);
  await worker.terminate();
});
