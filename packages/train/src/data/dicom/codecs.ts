import { UnreadPictureError } from "../unreadPicture.ts";
import { CodecWorkers, type CodecName } from "./codecWorkers.ts";

/** Samples of a compressed frame. */
export interface DecodedFrame {
  /** Of 8 bits, or of 16, little endian. */
  readonly samples: Uint8Array;
  readonly planar: boolean;
}

const workers = new CodecWorkers();

/** For a slow machine that has much else to do. */
const LONGEST_MS = 20_000;
const LONGEST_MS_PER_PIXEL = 0.1;

/** Nearly always a damaged file; on a machine that was busy enough, any. */
const NO_END = "corrupt DICOM (its decoder found no end)";

/** Whether a picture that can't be read for this reason may be read another time, though its file stays as it is. */
export const mayPass = (reason: string): boolean => reason === NO_END;

/**
 * JPEG 2000 by OpenJPEG, in RGB where the codestream transforms colours; JPEG-LS by CharLS; lossless JPEG (process 14). In a thread of
 * its own, which is ended where it finds no end: damaged files send all three decoders into endless loops.
 *
 * @throws UnreadPictureError, also where a part is missing, which OpenJPEG only warns of
 */
export async function decodeFrame(codec: CodecName, bytes: Uint8Array, pixels: number): Promise<DecodedFrame> {
  if (codec !== "jpeg-2000" && !endsAsJpeg(bytes))
    throw new UnreadPictureError("truncated DICOM (a JPEG without its end)");
  const decoded = await workers.decode(codec, bytes, LONGEST_MS + LONGEST_MS_PER_PIXEL * pixels);
  if (decoded === null) throw new UnreadPictureError(NO_END);
  const { problem } = decoded;
  if (problem !== null)
    throw new UnreadPictureError(`truncated or corrupt DICOM (${problem.replace(/^\[\w+\] /, "")})`);
  return decoded;
}

/** EOI, and padding after it. */
function endsAsJpeg(bytes: Uint8Array): boolean {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end -= 1;
  return end >= 2 && bytes[end - 2] === 0xff && bytes[end - 1] === 0xd9;
}
