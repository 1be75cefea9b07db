export { drawPhantom, type Phantom, type PhantomBreak, type PhantomOptions } from "./drawPhantom.ts";
export { PHANTOM_SPLITS, type PhantomSplit } from "./draws.ts";
export { PhantomError, type PhantomFault } from "./errors.ts";
export { PHANTOM_CLASSES, PHANTOM_FORMAT, phantomPaths } from "./folder.ts";
export type { FractureKind, FracturePattern } from "./fracture.ts";
export { BREAK_COLUMNS, writePhantomSet, type PhantomSetOptions, type PhantomSetSummary } from "./writePhantomSet.ts";
export { LIMBS, type Limb } from "./scene.ts";
export { PHANTOM_SHARES, type PhantomShares } from "./shares.ts";
