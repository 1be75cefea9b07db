/** Two runs can't be compared: wrong input, which a command line reports with exit code 2. */
export class CompareError extends Error {
  override readonly name = "CompareError";
  readonly exitCode = 2;
}
