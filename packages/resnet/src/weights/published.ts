import { IMAGENET_PREPROCESSING, type Preprocessing } from "../preprocessing/index.ts";
import type { Architecture } from "../resnet.ts";

export interface PublishedWeights {
  /** "resnet50" is torchvision's IMAGENET1K_V1, "resnet50-v2" IMAGENET1K_V2. */
  readonly name: string;
  readonly architecture: Architecture;
  readonly classes: number;
  readonly file: string;
  /** The file's SHA-256 in hex, or as much of its beginning as is published. */
  readonly sha256: string;
  readonly preprocessing: Preprocessing;
}

export const PUBLISHED_BASE_URL = "https://download.pytorch.org/models/";

const FULL_HASHES: Readonly<Record<string, string>> = {
  "resnet50-0676ba61.pth": "0676ba61b6795bbe1773cffd859882e5e297624d384b6993f7c9e683e722fb8a",
  "resnet50-11ad3fa6.pth": "11ad3fa62ca79e40addfd354a8ec4b7c75143b3038b8d2a807fbc68deab379ca",
};

function published(architecture: Architecture, version: 1 | 2, prefix: string): PublishedWeights {
  const file = `${architecture}-${prefix}.pth`;
  return {
    name: version === 1 ? architecture : `${architecture}-v2`,
    architecture,
    classes: 1000,
    file,
    sha256: FULL_HASHES[file] ?? prefix,
    preprocessing: IMAGENET_PREPROCESSING[version === 1 ? "V1" : "V2"],
  };
}

/** torchvision's ImageNet weights; a file's name ends with the first 8 digits of its SHA-256. */
export const PUBLISHED_WEIGHTS: readonly PublishedWeights[] = [
  published("resnet18", 1, "f37072fd"),
  published("resnet34", 1, "b627a593"),
  published("resnet50", 1, "0676ba61"),
  published("resnet50", 2, "11ad3fa6"),
  published("resnet101", 1, "63fe2227"),
  published("resnet101", 2, "cd907fc2"),
  published("resnet152", 1, "394f9c45"),
  published("resnet152", 2, "f82ba261"),
];

/** The set of that name ("resnet50", "resnet50-v1", "resnet50-v2"), or null. */
export function findPublished(name: string): PublishedWeights | null {
  const wanted = name.toLowerCase().replace(/-v1$/, "");
  return PUBLISHED_WEIGHTS.find((weights) => weights.name === wanted) ?? null;
}

/** The set whose file has this SHA-256 (64 hex digits), or null: a renamed file is still known by its content. */
export function findPublishedByHash(sha256: string): PublishedWeights | null {
  return PUBLISHED_WEIGHTS.find((weights) => sha256.startsWith(weights.sha256)) ?? null;
}
