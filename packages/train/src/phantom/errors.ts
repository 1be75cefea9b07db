export type PhantomFault = "option" | "notEmpty" | "notAFolder";

/** A phantom set can't be made as asked: wrong usage, which a command line reports with exit code 2. */
export class PhantomError extends Error {
  override readonly name = "PhantomError";
  readonly exitCode = 2;
  readonly fault: PhantomFault;

  constructor(fault: PhantomFault, message: string) {
    super(message);
    this.fault = fault;
  }
}
