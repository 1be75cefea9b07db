/** A model argument that names no model: wrong usage or input, which a command line reports with exit code 2. */
export class ModelFileError extends Error {
  override readonly name = "ModelFileError";
  readonly exitCode = 2;
  readonly path: string;

  constructor(path: string, message: string, options?: ErrorOptions) {
    super(`${path}: ${message}`, options);
    this.path = path;
  }
}
