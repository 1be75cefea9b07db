/** Options of a run that make no sense: wrong usage, which a command line reports with exit code 2. */
export class RecipeError extends Error {
  override readonly name = "RecipeError";
  readonly exitCode = 2;
  /** One line for each option at fault, "option: what is wrong". */
  readonly faults: readonly string[];

  constructor(title: string, faults: readonly string[]) {
    super(`${title}\n${faults.map((fault) => `  ${fault}`).join("\n")}`);
    this.faults = faults;
  }
}
