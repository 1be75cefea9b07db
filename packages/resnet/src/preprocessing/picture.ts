/** A decoded picture: rows from the top, pixels from the left, channels interleaved, 8 bits each. */
export interface Picture {
  /** [height, width, channels] */
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  /** 1: grey. 3: red, green, blue. */
  readonly channels: 1 | 3;
}

/** A picture or a preprocessing that contradicts itself. */
export class PreprocessingError extends Error {
  override readonly name = "PreprocessingError";
  readonly what: string;

  constructor(what: string, rule: string) {
    super(`${what}: ${rule}`);
    this.what = what;
  }
}

/** Throws a PreprocessingError unless the picture has pixels, and as many bytes as its size says. */
export function checkPicture(what: string, { data, width, height, channels }: Picture): void {
  const whole = Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0;
  if (whole && (channels === 1 || channels === 3) && data.length === width * height * channels) return;
  throw new PreprocessingError(
    what,
    `a picture of ${width} x ${height} pixels with ${channels} channels can't have ${data.length} bytes`,
  );
}
