import { readFileSync } from "node:fs";
import { z } from "zod";

/** This package's version, as model files and run folders carry it. */
export const FRACTURE_VERSION: string = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"))).version;
