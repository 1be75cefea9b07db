export * from "./colour.ts";
export * from "./picture.ts";
export * from "./preprocessing.ts";
export * from "./resize.ts";
