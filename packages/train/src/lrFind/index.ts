export { findRate, type FindRateOptions, type RateSearch } from "./findRate.ts";
export { suggestRates, type RatePoint, type RateSuggestions } from "./suggest.ts";
export { drawRateSearch, writeRateSearch } from "./writeRateSearch.ts";
