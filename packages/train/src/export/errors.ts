/** An export that was asked for and can't be: wrong usage, exit code 2. */
export class ExportError extends Error {
  override readonly name = "ExportError";
  readonly exitCode = 2;
  readonly path: string;

  constructor(path: string, message: string) {
    super(`${path}: ${message}`);
    this.path = path;
  }
}

/** What was exported does not compute what the model computes. Nothing was written. */
export class ExportCheckError extends Error {
  override readonly name = "ExportCheckError";
  readonly exitCode = 1;
}

/** `onnxruntime-web` is no dependency of ours, and it is not installed. */
export class RuntimeMissingError extends Error {
  override readonly name = "RuntimeMissingError";
  readonly exitCode = 1;
}
