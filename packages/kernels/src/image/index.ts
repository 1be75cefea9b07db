export {
  imageGeometry,
  pictureWords,
  type ImageGeometry,
  type ImageSizes,
  type Normalization,
  type PictureSizes,
} from "./geometry.ts";
export { planImage } from "./image.ts";
export { packViews, VIEW_WORDS, type PictureBox, type ImageView } from "./view.ts";
