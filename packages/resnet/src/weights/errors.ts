/**
 * What is wrong with a weight file:
 * "unreadable" the file system says no; "format" it is something else than weights; "truncated" it ends too early; "corrupt" it
 * contradicts itself; "unsafe" it names code that a reader of weights has no reason to run; "unsupported" valid, but nothing that
 * is read here; "limit" it asks for more memory than its size justifies; "content" there is no state dict in it;
 * "architecture" the state dict is not that of one of our networks.
 */
export type WeightsFault =
  | "unreadable"
  | "format"
  | "truncated"
  | "corrupt"
  | "unsafe"
  | "unsupported"
  | "limit"
  | "content"
  | "architecture";

/** A weight file that can't be used: wrong input, which a command line reports with exit code 2. Nothing in it was run. */
export class WeightsError extends Error {
  override readonly name = "WeightsError";
  readonly exitCode = 2;
  readonly fault: WeightsFault;
  readonly reason: string;
  /** The file, where the reader was given one. */
  readonly path: string | null;

  constructor(fault: WeightsFault, reason: string, path: string | null = null) {
    super(path === null ? reason : `${path}: ${reason}`);
    this.fault = fault;
    this.reason = reason;
    this.path = path;
  }
}

/** Runs a reader of bytes and adds the file's name to what it throws. */
export function namingFile<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof WeightsError && error.path === null
      ? new WeightsError(error.fault, error.reason, path)
      : error;
  }
}

/** A name out of a hostile file, as it may be shown on a terminal: quoted, without control characters, and short. */
export function shown(name: string): string {
  const plain = JSON.stringify(name.length > 120 ? `${name.slice(0, 120)}…` : name);
  return plain.replaceAll(/[^\x20-\x7e…]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
