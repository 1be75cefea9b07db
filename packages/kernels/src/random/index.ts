export { philox4x32, philoxBlock, randomNormals, randomUniform, seedWords, type RandomSequence } from "./philox.ts";
export { planRandom, RANDOM_STATE_WORDS, type RandomGeometry } from "./random.ts";
