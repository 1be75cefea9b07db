/** A picture that is damaged, or well formed but not read here. The message says how, in words. */
export class UnreadPictureError extends Error {
  override readonly name = "UnreadPictureError";
}

/** @throws UnreadPictureError when a picture of so many pixels is not to be decoded */
export function refuseTooLarge(width: number, height: number, maxPixels: number): void {
  if (width * height <= maxPixels) return;
  throw new UnreadPictureError(
    `${width} x ${height} are ${(width * height) / 1e6} million pixels, more than the limit of ${maxPixels / 1e6} million`,
  );
}
