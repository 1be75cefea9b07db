export { isSeedsFolder, readSeedsConfig, SEEDS_FORMAT, seedsPaths, type SeedsConfig } from "./seedsFolder.ts";
export { meanDifference, spreadOf, type MeanDifference, type Spread } from "./spread.ts";
export {
  readSeedsSummary,
  SEED_FIGURES,
  type SeedFigure,
  type SeedFigures,
  type SeedRun,
  type SeedSpreads,
  type SeedsSummary,
} from "./summary.ts";
export { trainSeeds, type TrainSeedsOptions } from "./trainSeeds.ts";
