export * from "./api/index.ts";
export * from "./audit/index.ts";
export * from "./augmentSheet/index.ts";
export * from "./compare/index.ts";
export * from "./data/augment.ts";
export { CONVERSIONS, type Conversion, type ConversionKind } from "./data/conversions.ts";
export * from "./data/decode.ts";
export * from "./data/folder.ts";
export { DataFolderError } from "./data/folderError.ts";
export * from "./data/loadPictures.ts";
export { defaultPictureCacheFolder, type PictureForm } from "./data/pictureCache.ts";
export * from "./data/pictureFeed.ts";
export * from "./data/sampler.ts";
export * from "./data/split.ts";
export * from "./data/store.ts";
export { FAR_PERCENTILE, TrainingData, type TrainingDistance } from "./distance/trainingData.ts";
export * from "./evaluate/index.ts";
export * from "./evaluate/logits.ts";
export { figuresOf, outcomeOf, writeMetrics, writeOutcome, type SplitOutcome } from "./evaluate/report.ts";
export * from "./explain/index.ts";
export * from "./export/index.ts";
export { CheckpointError } from "./loop/checkpoint.ts";
export * from "./loop/earlyStopping.ts";
export {
  InterruptedError,
  NonFiniteGradientsError,
  NonFiniteLogitsError,
  NonFiniteLossError,
  NonFiniteWeightsError,
} from "./loop/errors.ts";
export { OPTIMIZERS, type OptimizerName } from "./loop/optimizers.ts";
export { checkPrecision, PRECISIONS, type Precision } from "./loop/precision.ts";
export type { FitEvent } from "./loop/options.ts";
export { ReadRing, STEPS_IN_FLIGHT } from "./loop/readRing.ts";
export { FREEZE_CHOICES, type Freeze, type Stage } from "./loop/stages.ts";
export * from "./lrFind/index.ts";
export * from "./model/errors.ts";
export type { NewHead } from "./model/initialModel.ts";
export * from "./model/modelFile.ts";
export { RESEARCH_USE } from "./notice.ts";
export * from "./optim/stepLR.ts";
export * from "./phantom/index.ts";
export * from "./recipe/errors.ts";
export * from "./recipe/recipe.ts";
export { readRecipeFile } from "./recipe/recipeFile.ts";
export * from "./recipe/stages.ts";
export * from "./report/index.ts";
export * from "./run/index.ts";
export * from "./seeds/index.ts";
export { FRACTURE_VERSION } from "./version.ts";
