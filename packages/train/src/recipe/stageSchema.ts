import { z } from "zod";
import { FREEZE_CHOICES } from "../loop/stages.ts";

/** A stage as it is written in a file: all but `freeze`, `epochs` and `lr` may be left out. */
export const stageSchema = z.strictObject({
  name: z.string().min(1).optional(),
  freeze: z.enum(FREEZE_CHOICES),
  epochs: z.int().min(1),
  lr: z.number().gt(0),
  backboneLr: z.number().gt(0).optional(),
  warmup: z.number().min(0).optional(),
  layerDecay: z.number().gt(0).max(1).optional(),
});
