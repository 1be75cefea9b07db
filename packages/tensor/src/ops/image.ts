import {
  BYTES_PER_ELEMENT,
  GeometryError,
  imageGeometry,
  pictureWords,
  planImage,
  VIEW_WORDS,
  type ActivationType,
  type ImageGeometry,
  type Normalization,
  type PictureSizes,
} from "@fracture/kernels";
import { checkSameDevice, ShapeError, TensorError } from "../errors.ts";
import { checkRank } from "../shape.ts";
import { Tensor } from "../tensor.ts";

/** The pictures' sizes, the views' size, and their normalisation. */
export interface RenderOptions extends PictureSizes, Normalization {
  /** Height and width of the views. */
  readonly size: number;
  /** Of the views. Default: "f32". */
  readonly dtype?: ActivationType;
}

/**
 * Views of 8-bit pictures, ready for a network: crop, resize (Pillow's and torch's antialiased bilinear), flip, rotation, brightness,
 * contrast, grey to three channels, (level / 255 - mean) / std. A picture seen whole at its own size comes through exactly. No
 * gradient.
 * @param pictures u32 [count, pictureWords(options)]: four bytes each, rows of pixels with their channels side by side
 * @param views u32 [n, VIEW_WORDS], from `packViews(views, size)`: which picture, which part of it, and how
 * @returns [n, size, size, 3]
 * Throws a ShapeError for shapes that don't fit the options.
 */
export function renderViews(pictures: Tensor, views: Tensor, options: RenderOptions): Tensor {
  const op = "renderViews";
  for (const x of [pictures, views]) x.check(op);
  checkSameDevice(op, [pictures, views]);
  if (pictures.dtype !== "u32" || views.dtype !== "u32")
    throw new TensorError(op, `pictures and views must be u32, got ${pictures.dtype} and ${views.dtype}`);
  checkRank(op, "pictures", pictures.shape, 2);
  checkRank(op, "views", views.shape, 2);
  const geometry = checked(pictures, views, options);
  const { device } = pictures;
  const { n, size } = geometry;
  const { dtype = "f32" } = options;
  const count = n * size * size * 3;
  const y = new Tensor(device, device.allocate(count * BYTES_PER_ELEMENT[dtype]), [n, size, size, 3], dtype);
  device.run(planImage(geometry, device.limits), { pictures, views, y });
  return y;
}

function checked(pictures: Tensor, views: Tensor, options: RenderOptions): ImageGeometry {
  const shapes = { pictures: pictures.shape, views: views.shape };
  const { height, width, channels, size, mean, std, dtype = "f32" } = options;
  const [count, n] = [pictures.shape[0]!, views.shape[0]!];
  try {
    const geometry = imageGeometry({ pictures: count, height, width, channels, n, size, dtype }, { mean, std });
    const words = pictureWords(options);
    if (pictures.shape[1] !== words)
      throw new ShapeError(
        "renderViews",
        `${height} x ${width} x ${channels} bytes need ${words} u32 a picture`,
        shapes,
      );
    if (views.shape[1] !== VIEW_WORDS)
      throw new ShapeError("renderViews", `a view needs ${VIEW_WORDS} u32, as packViews makes them`, shapes);
    return geometry;
  } catch (error) {
    if (error instanceof GeometryError) throw new ShapeError("renderViews", error.message, shapes);
    throw error;
  }
}
