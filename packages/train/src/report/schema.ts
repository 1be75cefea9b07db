import { z } from "zod";
import { decisionSchema } from "../evaluate/decision.ts";

const figure = z.number().nullable();
const interval = z.tuple([z.number(), z.number()]);
const maybeInterval = interval.nullable();

const figures = {
  precision: figure,
  recall: figure,
  specificity: figure,
  f1: figure,
  rocAuc: figure,
  averagePrecision: figure,
};
const figureIntervals = {
  precision: maybeInterval,
  recall: maybeInterval,
  specificity: maybeInterval,
  f1: maybeInterval,
  rocAuc: maybeInterval,
  averagePrecision: maybeInterval,
};

const NOTHING = {
  precision: null,
  recall: null,
  specificity: null,
  f1: null,
  rocAuc: null,
  averagePrecision: null,
};
/** Older runs have fewer of them. */
const averages = z.object({ ...figures, intervals: z.object(figureIntervals).default(NOTHING) });

/** `Metrics`, as metrics.json holds them. */
export const metricsSchema = z
  .object({
    samples: z.int().min(1),
    classes: z.array(z.string()).min(2),
    positiveClass: z.string().nullable(),
    accuracy: z.number(),
    ...figures,
    balancedAccuracy: z.number(),
    logLoss: z.number(),
    intervals: z.object({
      accuracy: interval,
      balancedAccuracy: maybeInterval,
      logLoss: maybeInterval,
      ...figureIntervals,
    }),
    macro: averages,
    weighted: averages.default({ ...NOTHING, intervals: NOTHING }),
    perClass: z.array(
      z.object({
        class: z.string(),
        support: z.number(),
        predicted: z.number(),
        ...figures,
        intervals: z.object(figureIntervals),
      }),
    ),
    confusionMatrix: z.array(z.array(z.number())),
  })
  .refine(
    ({ classes, perClass, confusionMatrix }) =>
      perClass.length === classes.length &&
      confusionMatrix.length === classes.length &&
      confusionMatrix.every((row) => row.length === classes.length),
    "as many rows and columns as classes",
  );

/** `PlainFigures` */
export const plainSchema = z.object({
  accuracy: z.number(),
  precision: figure,
  recall: figure,
  specificity: figure,
  f1: figure,
  logLoss: z.number(),
  intervals: z.object({
    accuracy: interval,
    precision: maybeInterval,
    recall: maybeInterval,
    specificity: maybeInterval,
    f1: maybeInterval,
  }),
  calibrationError: z.number(),
});

export const hardPictureSchema = z.object({
  path: z.string(),
  label: z.string(),
  predicted: z.string(),
  probability: z.object({ label: z.number(), predicted: z.number() }),
});

/** What metrics.json says of a split beside the figures; each by itself, since older runs lack some. */
export const splitPartsSchema = z.object({
  groups: z.number().optional().catch(undefined),
  calibrationError: z.number().optional().catch(undefined),
  decision: decisionSchema.nullish().catch(undefined),
  plain: plainSchema.nullish().catch(undefined),
  worstMistakes: z.array(hardPictureSchema).optional().catch(undefined),
  leastCertain: z.array(hardPictureSchema).optional().catch(undefined),
});

const withoutCopiesSchema = z.object({ copies: z.number(), metrics: metricsSchema.nullable() });

/** What metrics.json says of a run. */
export const runPartsSchema = z.object({
  split: z.string().optional().catch(undefined),
  bestEpoch: z.number().nullish().catch(undefined),
  unreadable: z.record(z.string(), z.number()).optional().catch(undefined),
  withoutCopies: z.record(z.string(), withoutCopiesSchema.nullable()).optional().catch(undefined),
  /** Of a model that was evaluated by itself. */
  model: z.string().optional().catch(undefined),
  architecture: z.string().optional().catch(undefined),
  data: z.string().optional().catch(undefined),
});

const quartiles = z.tuple([z.number(), z.number(), z.number(), z.number(), z.number()]);
const pair = z.object({ a: z.string(), b: z.string(), kind: z.string(), similarity: z.number(), how: z.string() });

/** `DataAudit`, as data-check.json holds it. */
export const auditSchema = z.object({
  root: z.string(),
  classes: z.array(z.string()),
  pictures: z.number(),
  leaks: z.array(
    z.object({
      split: z.string(),
      of: z.string(),
      pictures: z.number(),
      copies: z.number(),
      exact: z.number(),
      pairs: z.array(pair),
    }),
  ),
  contradictions: z.array(pair.extend({ classA: z.string(), classB: z.string() })),
  patients: z
    .object({
      unknown: z.number(),
      split: z.array(z.object({ patient: z.string(), pictures: z.record(z.string(), z.number()) })),
    })
    .nullable()
    .catch(null),
  shortcuts: z.array(
    z.object({
      from: z.string(),
      class: z.string(),
      auc: z.number().nullable(),
      interval: maybeInterval,
      larger: z.boolean().nullable(),
      suspicious: z.boolean(),
    }),
  ),
  unreadable: z.array(z.object({ path: z.string(), reason: z.string() })),
  odd: z.array(z.object({ path: z.string(), what: z.string() })),
  ignored: z.array(z.string()),
  summary: z.array(
    z.object({
      split: z.string().nullable(),
      class: z.string(),
      pictures: z.number(),
      share: z.number(),
      width: quartiles,
      height: quartiles,
      aspect: quartiles,
      fileBytes: quartiles,
      brightness: quartiles,
      contrast: quartiles,
    }),
  ),
});

/** `config.json`, whatever of it can be used. */
export const configSchema = z.object({
  fracture: z.string().nullable().catch(null),
  data: z.string().nullable().catch(null),
  architecture: z.string().nullable().catch(null),
  classes: z.array(z.string()).catch([]),
  recipe: z.record(z.string(), z.unknown()).catch({}),
  preprocessing: z
    .object({ resize: z.number(), crop: z.number(), channels: z.string(), interpolation: z.string() })
    .nullable()
    .catch(null),
  stages: z
    .array(
      z.object({
        name: z.string(),
        freeze: z.string(),
        epochs: z.number(),
        lr: z.number(),
        backboneLr: z.number(),
        /** Runs of earlier versions had neither. */
        warmup: z.number().default(0),
        layerDecay: z.number().default(1),
      }),
    )
    .catch([]),
  allowUnreadable: z.boolean().catch(false),
  weightsSha256: z.string().nullable().catch(null),
  dataSha256: z.string().nullable().catch(null),
});

export type ReportConfig = z.output<typeof configSchema>;
export type ReportAudit = z.output<typeof auditSchema>;
