/** How one element of a batch looks at a picture. What is left out changes nothing. */
export interface ImageView {
  /** The picture's number. */
  readonly picture: number;
  /** What fills the view, in pixels of the picture, fractions allowed; the picture's corner is (0, 0). May reach outside. */
  readonly box: PictureBox;
  /** Left and right exchanged, after the rotation. */
  readonly flip?: boolean;
  /** The box's contents turned about its middle, in degrees, counterclockwise, as torchvision's `rotate`. */
  readonly rotation?: number;
  /** Multiplies the levels, then they are cut to 0..1 (torchvision's `adjust_brightness`). */
  readonly brightness?: number;
  /** Multiplies the levels' distance from `pivot`, then they are cut to 0..1 (torchvision's `adjust_contrast`). */
  readonly contrast?: number;
  /** The level, from 0 to 1, that the contrast leaves as it is. */
  readonly pivot?: number;
}

export interface PictureBox {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/**
 * A view's u32 in the operand `views`; all but the picture are the bits of an f32. (xx, xy, x0) and (yx, yy, y0) take a place in
 * the view, in pixels, to a place in the picture: x = xx u + xy v + x0. Reach: half the width of the filter's triangle.
 */
export const VIEW_WORD = {
  xx: 0,
  xy: 1,
  x0: 2,
  yx: 3,
  yy: 4,
  y0: 5,
  reachX: 6,
  reachY: 7,
  brightness: 8,
  contrast: 9,
  pivot: 10,
  picture: 11,
} as const;
export const VIEW_WORDS = 12;

/** The operand `views` for views of `size` x `size` pixels: [views, VIEW_WORDS]. Computed in f64, rounded once. */
export function packViews(views: readonly ImageView[], size: number): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(views.length * VIEW_WORDS);
  const floats = new Float32Array(words.buffer);
  views.forEach(({ picture, box, flip = false, rotation = 0, brightness = 1, contrast = 1, pivot = 0.5 }, view) => {
    const at = view * VIEW_WORDS;
    const [cos, sin] = [Math.cos((rotation * Math.PI) / 180), Math.sin((rotation * Math.PI) / 180)];
    const [across, down] = [(flip ? -box.width : box.width) / size, box.height / size];
    const [xx, xy, yx, yy] = [cos * across, -sin * down, sin * across, cos * down];
    floats[at + VIEW_WORD.xx] = xx;
    floats[at + VIEW_WORD.xy] = xy;
    floats[at + VIEW_WORD.x0] = box.left + box.width / 2 - ((xx + xy) * size) / 2;
    floats[at + VIEW_WORD.yx] = yx;
    floats[at + VIEW_WORD.yy] = yy;
    floats[at + VIEW_WORD.y0] = box.top + box.height / 2 - ((yx + yy) * size) / 2;
    // Without a rotation these are Pillow's: the distance of neighbours, 1 at the least.
    floats[at + VIEW_WORD.reachX] = Math.max(1, Math.hypot(xx, xy));
    floats[at + VIEW_WORD.reachY] = Math.max(1, Math.hypot(yx, yy));
    floats[at + VIEW_WORD.brightness] = brightness;
    floats[at + VIEW_WORD.contrast] = contrast;
    floats[at + VIEW_WORD.pivot] = pivot;
    words[at + VIEW_WORD.picture] = picture;
  });
  return words;
}
