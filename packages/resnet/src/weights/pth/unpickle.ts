import { decodeUtf8, type Cursor } from "../cursor.ts";
import { WeightsError } from "../errors.ts";
import { parseDecimal, readDecimal, readInteger } from "./integers.ts";
import { PickleDict, describeValue, type PickleValue, type PickleWorld } from "./values.ts";

/** A training checkpoint of ResNet-152 with its optimiser takes about 150,000. */
export const MAX_PICKLE_STEPS = 1_000_000;
const LATIN1 = new TextDecoder("latin1");

/**
 * Reads one pickle (protocols 0 to 5) from the cursor and leaves it behind the STOP. A stack machine over plain data: it
 * imports nothing and calls nothing, and whatever isn't plain data is for `world` to allow.
 * Opcodes: Python's Lib/pickletools.py.
 */
export function unpickle(cursor: Cursor, world: PickleWorld): PickleValue {
  const stack: PickleValue[] = [];
  const marks: number[] = [];
  const memo = new Map<number, PickleValue>();

  const corrupt = (what: string): WeightsError =>
    new WeightsError("corrupt", `${cursor.title}: ${what} at byte ${cursor.at - 1}`);
  const floor = (): number => marks.at(-1) ?? 0;
  const pop = (): PickleValue => {
    if (stack.length <= floor()) throw corrupt("the pickle takes from an empty stack");
    return stack.pop()!;
  };
  const top = (): PickleValue => {
    if (stack.length <= floor()) throw corrupt("the pickle looks at an empty stack");
    return stack.at(-1)!;
  };
  const popToMark = (): PickleValue[] => {
    const mark = marks.pop();
    if (mark === undefined) throw corrupt("a pickle without a mark");
    return stack.splice(mark);
  };
  const popTuple = (): readonly PickleValue[] => {
    const value = pop();
    if (!Array.isArray(value)) throw corrupt(`${describeValue(value)} instead of a tuple`);
    return value;
  };
  const popText = (): string => {
    const value = pop();
    if (typeof value !== "string") throw corrupt(`${describeValue(value)} instead of a name`);
    return value;
  };
  const recall = (index: number): PickleValue => {
    const value = memo.get(index);
    if (value === undefined) throw corrupt(`nothing was kept as ${index}`);
    return value;
  };
  const append = (items: readonly PickleValue[]): void => {
    const list = top();
    if (!Array.isArray(list)) throw corrupt(`${describeValue(list)} instead of a list`);
    for (const item of items) list.push(item);
  };
  const setItems = (items: readonly PickleValue[]): void => {
    const dict = top();
    if (!(dict instanceof PickleDict)) throw corrupt(`${describeValue(dict)} instead of a dict`);
    if (items.length % 2 !== 0) throw corrupt("a key without a value");
    for (let i = 0; i < items.length; i += 2) dict.set(items[i]!, items[i + 1]!);
  };
  const dictOf = (items: readonly PickleValue[]): PickleDict => {
    stack.push(new PickleDict());
    setItems(items);
    return stack.pop() as PickleDict;
  };
  for (let steps = 0; ; steps++) {
    if (steps >= MAX_PICKLE_STEPS)
      throw new WeightsError("limit", `${cursor.title}: more than ${MAX_PICKLE_STEPS} pickle instructions`);
    const op = cursor.u8();
    switch (String.fromCharCode(op)) {
      case ".": // STOP
        if (stack.length !== 1 || marks.length > 0) throw corrupt("the pickle stops with more or less than one object");
        return stack[0]!;
      case "\x80": {
        const protocol = cursor.u8();
        if (protocol > 5) throw new WeightsError("unsupported", `${cursor.title}: pickle protocol ${protocol}`);
        break;
      }
      case "\x95": // FRAME: a hint for buffering
        cursor.size64();
        break;

      case "(":
        marks.push(stack.length);
        break;
      case "0": // POP, which may take a mark
        if (stack.length > floor()) stack.pop();
        else if (marks.pop() === undefined) throw corrupt("the pickle takes from an empty stack");
        break;
      case "1":
        popToMark();
        break;
      case "2":
        stack.push(top());
        break;

      case "N":
        stack.push(null);
        break;
      case "\x88":
        stack.push(true);
        break;
      case "\x89":
        stack.push(false);
        break;
      case "I": {
        const text = cursor.line();
        stack.push(text === "01" ? true : text === "00" ? false : parseDecimal(text, cursor.title));
        break;
      }
      case "L":
        stack.push(readDecimal(cursor));
        break;
      case "J":
        stack.push(cursor.i32());
        break;
      case "K":
        stack.push(cursor.u8());
        break;
      case "M":
        stack.push(cursor.u16());
        break;
      case "\x8a":
        stack.push(readInteger(cursor, cursor.u8()));
        break;
      case "\x8b":
        stack.push(readInteger(cursor, cursor.i32()));
        break;
      case "G":
        stack.push(cursor.f64BigEndian());
        break;
      case "F":
        stack.push(Number(cursor.line()));
        break;

      case "X":
        stack.push(decodeUtf8(cursor.take(cursor.u32()), cursor.title));
        break;
      case "\x8c":
        stack.push(decodeUtf8(cursor.take(cursor.u8()), cursor.title));
        break;
      case "\x8d":
        stack.push(decodeUtf8(cursor.take(cursor.size64()), cursor.title));
        break;
      case "T": // Python 2's strings: bytes, in state dicts always ASCII
        stack.push(LATIN1.decode(cursor.take(cursor.u32())));
        break;
      case "U":
        stack.push(LATIN1.decode(cursor.take(cursor.u8())));
        break;
      case "S":
      case "V":
        stack.push(cursor.line().replaceAll(/^(['"])(.*)\1$/g, "$2"));
        break;
      case "B":
        stack.push(cursor.take(cursor.u32()));
        break;
      case "C":
        stack.push(cursor.take(cursor.u8()));
        break;
      case "\x8e":
        stack.push(cursor.take(cursor.size64()));
        break;

      case ")":
        stack.push([]);
        break;
      case "t":
        stack.push(popToMark());
        break;
      case "\x85":
      case "\x86":
      case "\x87": {
        const items = Array.from({ length: op - 0x84 }, pop);
        stack.push(items.reverse());
        break;
      }
      case "]":
        stack.push([]);
        break;
      case "l":
        stack.push(popToMark());
        break;
      case "a":
        append([pop()]);
        break;
      case "e":
        append(popToMark());
        break;
      case "}":
        stack.push(new PickleDict());
        break;
      case "d":
        stack.push(dictOf(popToMark()));
        break;
      case "s": {
        const value = pop();
        setItems([pop(), value]);
        break;
      }
      case "u":
        setItems(popToMark());
        break;
      case "\x8f": // sets: what they hold matters to nobody here
        stack.push([]);
        break;
      case "\x90":
        append(popToMark());
        break;
      case "\x91":
        stack.push(popToMark());
        break;

      case "p": {
        const index = readDecimal(cursor);
        if (typeof index !== "number") throw corrupt("a memo index beyond every file");
        memo.set(index, top());
        break;
      }
      case "q":
        memo.set(cursor.u8(), top());
        break;
      case "r":
        memo.set(cursor.u32(), top());
        break;
      case "\x94":
        memo.set(memo.size, top());
        break;
      case "g":
        stack.push(recall(Number(readDecimal(cursor))));
        break;
      case "h":
        stack.push(recall(cursor.u8()));
        break;
      case "j":
        stack.push(recall(cursor.u32()));
        break;

      case "c": {
        const module = cursor.line();
        stack.push(world.global(module, cursor.line()));
        break;
      }
      case "\x93": {
        const name = popText();
        stack.push(world.global(popText(), name));
        break;
      }
      case "i": {
        const module = cursor.line();
        const callable = world.global(module, cursor.line());
        stack.push(world.construct(callable, popToMark()));
        break;
      }
      case "o": {
        const [callable = null, ...args] = popToMark();
        stack.push(world.construct(callable, args));
        break;
      }
      case "R":
      case "\x81": {
        const args = popTuple();
        stack.push(world.construct(pop(), args));
        break;
      }
      case "b": {
        const state = pop();
        world.setState(top(), state);
        break;
      }
      case "P":
        stack.push(world.persistent(cursor.line()));
        break;
      case "Q":
        stack.push(world.persistent(pop()));
        break;
      case "\x82":
      case "\x83":
      case "\x84":
        throw new WeightsError("unsafe", `${cursor.title}: it asks for a class of copyreg's extension registry`);
      default:
        throw corrupt(`no pickle instruction: 0x${op.toString(16).padStart(2, "0")}`);
    }
  }
}
