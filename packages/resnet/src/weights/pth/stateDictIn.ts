import type { nn } from "@fracture/tensor";
import type { Budget } from "../budget.ts";
import { WeightsError, shown } from "../errors.ts";
import { TensorRef, materialise } from "./tensors.ts";
import { PickleDict, describeValue, type PickleValue } from "./values.ts";

/** Where training programs put the state dict inside a checkpoint: torchvision's and timm's references, Lightning, and custom. */
const WRAPPERS = ["state_dict", "model", "model_state_dict", "net", "network", "weights"] as const;
const MAX_NESTING = 4;

/** The state dict in an unpickled file, and the keys under which it lay: `["state_dict"]` for {"state_dict": {...}}. */
export function stateDictIn(
  root: PickleValue,
  budget: Budget,
): { readonly state: nn.StateDict; readonly wrappers: readonly string[] } {
  const wrappers: string[] = [];
  let value = root;
  for (let depth = 0; depth < MAX_NESTING && value instanceof PickleDict; depth++) {
    const dict: PickleDict = value;
    const wrapper = WRAPPERS.find((key) => dict.get(key) instanceof PickleDict);
    if (wrapper === undefined) break;
    wrappers.push(wrapper);
    value = dict.get(wrapper)!;
  }
  if (!(value instanceof PickleDict))
    throw new WeightsError("content", `it holds ${describeValue(value)} instead of a state dict (names and tensors)`);
  const state = new Map<string, nn.StateEntry>();
  const others: string[] = [];
  for (const [name, entry] of value.entries()) {
    if (typeof name === "string" && entry instanceof TensorRef) state.set(name, materialise(name, entry, budget));
    else others.push(`${typeof name === "string" ? shown(name) : describeValue(name)} (${describeValue(entry)})`);
  }
  if (state.size === 0) throw new WeightsError("content", `no tensors in it${listed(others)}`);
  if (others.length > 0)
    throw new WeightsError("content", `not a state dict alone: it also holds other things${listed(others)}`);
  return { state, wrappers };
}

function listed(names: readonly string[]): string {
  if (names.length === 0) return "";
  return `: ${names.slice(0, 10).join(", ")}${names.length > 10 ? `, and ${names.length - 10} more` : ""}`;
}
