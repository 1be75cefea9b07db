export * from "./curves.ts";
export type { FigureIntervals } from "./intervals.ts";
export type { Decision, CalibrationFigures } from "./decision.ts";
export type { Figures } from "./figures.ts";
export * from "./metrics.ts";
export * from "./predictions.ts";
export * from "./positiveClass.ts";
export * from "./wilson.ts";
export * from "./plots.ts";
