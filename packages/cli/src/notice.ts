/** `RESEARCH_USE` of `@fracture/train`, for texts that are there before a command loads that package. */
export const RESEARCH_USE = "Research use, not a medical device.";
