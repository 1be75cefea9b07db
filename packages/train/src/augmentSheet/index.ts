export { augmentData, type AugmentDataOptions, type AugmentedData } from "./augmentData.ts";
export * from "./augmentedSamples.ts";
export { augmentationSheet, augmentationTable } from "./sheet.ts";
