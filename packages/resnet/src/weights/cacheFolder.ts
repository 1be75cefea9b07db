import { homedir } from "node:os";
import { join } from "node:path";

/** Where fetched weights are kept: `$FRACTURE_CACHE/weights`, else below the user's cache folder (XDG). */
export function defaultWeightsFolder(environment: Readonly<NodeJS.ProcessEnv> = process.env): string {
  const { FRACTURE_CACHE: own, XDG_CACHE_HOME: caches } = environment;
  return join(own || join(caches || join(homedir(), ".cache"), "fracture"), "weights");
}
