/** An explanation that can't be computed or shown as asked, or a file of explanations or boxes that can't be read: exit code 2. */
export class ExplainError extends Error {
  override readonly name = "ExplainError";
  readonly exitCode = 2;
}
