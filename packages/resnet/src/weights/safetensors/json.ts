import { WeightsError, shown } from "../errors.ts";

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | ReadonlyMap<string, JsonValue>;

/** A header has three levels. */
const MAX_DEPTH = 8;
/** ResNet-152 has about 9,000 values. What is beyond this could fill the memory with empty objects of two characters each. */
const MAX_VALUES = 500_000;
const MAX_NUMBER_LENGTH = 64;

const BLANKS = " \t\n\r";
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/**
 * Strict JSON (RFC 8259) with objects as Maps. Not JSON.parse, because that lets the last of two equal names win, where the
 * safetensors format forbids duplicates.
 */
export function parseJson(text: string, title: string): JsonValue {
  return new Parser(text, title).whole();
}

class Parser {
  readonly #text: string;
  readonly #title: string;
  #at = 0;
  #values = 0;

  constructor(text: string, title: string) {
    this.#text = text;
    this.#title = title;
  }

  whole(): JsonValue {
    const value = this.#value(0);
    if (this.#peek() !== "") throw this.#error("there is something behind the end");
    return value;
  }

  #value(depth: number): JsonValue {
    if (depth > MAX_DEPTH) throw this.#error(`more than ${MAX_DEPTH} levels`);
    if (++this.#values > MAX_VALUES)
      throw new WeightsError("limit", `${this.#title} has more than ${MAX_VALUES} values`);
    const first = this.#peek();
    if (first === "{") return this.#object(depth);
    if (first === "[") return this.#array(depth);
    if (first === '"') return this.#string();
    for (const [word, value] of [["null", null] as const, ["true", true] as const, ["false", false] as const]) {
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length;
        return value;
      }
    }
    return this.#number();
  }

  #object(depth: number): JsonValue {
    const entries = new Map<string, JsonValue>();
    this.#at++;
    if (this.#peek() === "}") this.#at++;
    else {
      do {
        if (this.#peek() !== '"') throw this.#error("a name is missing");
        const name = this.#string();
        if (entries.has(name)) throw new WeightsError("corrupt", `${this.#title} holds the name ${shown(name)} twice`);
        this.#mark(":");
        entries.set(name, this.#value(depth + 1));
      } while (this.#mark(",}") === ",");
    }
    return entries;
  }

  #array(depth: number): JsonValue {
    const items: JsonValue[] = [];
    this.#at++;
    if (this.#peek() === "]") this.#at++;
    else {
      do items.push(this.#value(depth + 1));
      while (this.#mark(",]") === ",");
    }
    return items;
  }

  // The end by hand, what is between by JSON.parse: a regular expression over megabytes overflows its stack.
  #string(): string {
    const from = this.#at;
    for (let at = from + 1; at < this.#text.length; at++) {
      const c = this.#text[at];
      if (c === "\\") at++;
      else if (c === '"') {
        this.#at = at + 1;
        try {
          return JSON.parse(this.#text.slice(from, at + 1)) as string;
        } catch {
          throw this.#error("a string with a control character or an unknown escape before it");
        }
      }
    }
    throw this.#error("a string has no end");
  }

  #number(): number {
    const from = this.#at;
    let end = from;
    while (end - from < MAX_NUMBER_LENGTH && /[-+.\deE]/.test(this.#text[end] ?? "")) end++;
    const digits = this.#text.slice(from, end);
    if (!NUMBER.test(digits)) throw this.#error(end === this.#text.length ? "it ends too early" : "no value");
    this.#at = end;
    return Number(digits);
  }

  /** The next character that isn't blank, "" at the end; it stays. */
  #peek(): string {
    while (this.#at < this.#text.length && BLANKS.includes(this.#text[this.#at]!)) this.#at++;
    return this.#text[this.#at] ?? "";
  }

  #mark(allowed: string): string {
    const mark = this.#peek();
    if (mark === "" || !allowed.includes(mark)) throw this.#error(`${[...allowed].join(" or ")} is missing`);
    this.#at++;
    return mark;
  }

  #error(what: string): WeightsError {
    return new WeightsError("corrupt", `${this.#title} is not valid JSON: ${what}, at character ${this.#at}`);
  }
}
