export { planCast, type CastGeometry } from "./cast.ts";
