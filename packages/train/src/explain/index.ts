export * from "./choosePictures.ts";
export { inferno, type Rgb } from "./colourMap.ts";
export * from "./errors.ts";
export type { ExplainFilesOptions, PictureExplanation } from "./explainFiles.ts";
export * from "./explainOutcome.ts";
export * from "./explanations.ts";
export * from "./gradCam.ts";
export * from "./heatMap.ts";
export * from "./overlay.ts";
