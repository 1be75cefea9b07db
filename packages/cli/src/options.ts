import { InvalidArgumentError, Option } from "commander";

/** Parses an option's value as an integer of at least `least`. */
export const integer =
  (least: number) =>
  (text: string): number => {
    const value = number(text);
    if (!Number.isSafeInteger(value) || value < least)
      throw new InvalidArgumentError(`Expected an integer, ${least} or more.`);
    return value;
  };

/** Parses an option's value as a number above zero, or with `zero` from zero on. */
export const positive =
  ({ zero = false } = {}) =>
  (text: string): number => {
    const value = number(text);
    if (!(Number.isFinite(value) && (value > 0 || (zero && value === 0))))
      throw new InvalidArgumentError(`Expected a number, ${zero ? "zero or more" : "above zero"}.`);
    return value;
  };

/** Parses "256,512" as a list of integers of at least `least`. */
export const integers =
  (least: number) =>
  (text: string): number[] => {
    const values = text.split(",").map(number);
    if (!values.every((value) => Number.isSafeInteger(value) && value >= least))
      throw new InvalidArgumentError(`Expected integers, ${least} or more, with commas between them.`);
    return values;
  };

/** Parses "5" as a count, and "0,1,7" as the seeds themselves. */
export const seeds = (text: string): number | readonly number[] =>
  text.includes(",") ? integers(0)(text) : integer(1)(text);

/** An option's value as a path: an empty one, such as of a shell variable that is not set, would be the working folder. */
export const path = (text: string): string => {
  if (text === "") throw new InvalidArgumentError("Expected a path, and it is empty.");
  return text;
};

// Number("") is 0 and Number("0x10") 16, which nobody means.
const number = (text: string): number =>
  /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text.trim()) ? Number(text) : NaN;

/** `--precision`, of commands that use a model as it is. */
export const precisionOption = (): Option =>
  new Option("--precision <type>", "what is computed in: f32; or mixed: f16 activations")
    .choices(["f32", "mixed"])
    .default("f32");

/** `--layer`, of commands that explain. */
export const layerOption = (): Option =>
  new Option(
    "--layer <name>",
    "whose output is explained: earlier ones give finer maps, further from the decision (default: the last one with 7 x 7 cells)",
  ).choices(["layer1", "layer2", "layer3", "layer4"]);
