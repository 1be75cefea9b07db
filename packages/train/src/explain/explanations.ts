import { existsSync, readFileSync } from "node:fs";
import { z } from "zod";
import { EXPLAINED_KINDS } from "./choosePictures.ts";
import { ExplainError } from "./errors.ts";
import { CAM_LAYERS } from "./gradCam.ts";

/** The format of the file; it carries it. */
export const EXPLANATIONS_FORMAT = "fracture-explanations/1";

const pointSchema = z.object({ x: z.number(), y: z.number() });
const rectangleSchema = z.object({ left: z.number(), top: z.number(), width: z.number(), height: z.number() });

const explainedSchema = z.object({
  /** A worst mistake, a least certain picture, or one that is told right and surely; a picture may be of two kinds. */
  kind: z.enum(EXPLAINED_KINDS),
  path: z.string(),
  label: z.string(),
  predicted: z.string(),
  /** Of the true class, and of the one decided for. */
  probability: z.object({ label: z.number(), predicted: z.number() }),
  /** The class that the map explains: the one decided for. */
  explains: z.string(),
  /** With the map over it, relative to this file's folder, with "/". */
  overlay: z.string(),
  /** Without it, of the same size. */
  plain: z.string(),
  /** Where the map is largest, in pixels of the picture; null where nothing speaks for the class. */
  peak: pointSchema.nullable(),
  /** The part of the picture that the network was shown, in its pixels. */
  seen: rectangleSchema,
});

/** `results/explanations.json`. */
export const explanationsSchema = z.object({
  format: z.literal(EXPLANATIONS_FORMAT),
  method: z.literal("Grad-CAM"),
  layer: z.enum(CAM_LAYERS),
  /** Cells of a map. */
  cells: z.object({ width: z.int().min(1), height: z.int().min(1) }),
  split: z.enum(["train", "val", "test"]),
  /** Mistakes, then uncertain ones, then sure ones, each with the most telling first. */
  pictures: z.array(explainedSchema),
});

export type Explanations = z.output<typeof explanationsSchema>;
export type ExplainedPicture = Explanations["pictures"][number];

/**
 * Reads `explanations.json`; null where there is no such file.
 *
 * @throws ExplainError where it is none of ours
 */
export function readExplanations(path: string): Explanations | null {
  if (!existsSync(path)) return null;
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new ExplainError(`${path}: is not JSON (${error instanceof Error ? error.message : String(error)})`);
  }
  const parsed = explanationsSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ExplainError(`${path}: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? "is none of ours"}`);
}
