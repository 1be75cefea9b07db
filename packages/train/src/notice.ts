/** What everything that shows what a model says has to say with it. */
export const RESEARCH_USE = "Research use, not a medical device.";
