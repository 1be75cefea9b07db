export * from "./choosePictures.ts";
export { inferno, type Rgb } from "./colourMap.ts";
export * from "./errors.ts";
export type { ExplainFilesOptions, PictureExplanation } from "./explainFiles.ts";
export * from "./explainOutcome.ts";
export * from "./explanations.ts";
export * from "./gradCam.ts";
export * from "./heatMap.ts";
export * from "./overlay.ts";
export { readBoxes, type BoxedPicture } from "./boxes.ts";
export * from "./measurePointing.ts";
export {
  pointingGame,
  PUBLISHED_TOLERANCE,
  type PointingCase,
  type PointingOptions,
  type PointingScore,
  type Share,
} from "./pointingGame.ts";
