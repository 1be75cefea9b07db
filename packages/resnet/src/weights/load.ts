import type { nn, Shape } from "@fracture/tensor";
import type { ResNet } from "../resnet.ts";

/** What `loadWeights` left as the model's initialisation. */
export interface LoadedWeights {
  /** Null where every tensor came from the file; else the classes of the file's head and of the model's, which stays new. */
  readonly newHead: { readonly classesInFile: number; readonly classes: number } | null;
}

/**
 * Overwrites a network's parameters and running statistics. A head (`fc`) for another number of classes is left as it was
 * initialised, and that is in the result, to be announced. So a model whose head may stay needs a generator.
 *
 * @throws StateDictError for any other mismatch, with the whole list; the model is unchanged then.
 */
export async function loadWeights(model: ResNet, state: nn.StateDict): Promise<LoadedWeights> {
  const head = state.get("fc.weight")?.shape;
  const bias = state.get("fc.bias")?.shape;
  const [, features] = model.fc.weight.shape;
  if (!head || head[0] === model.classes || !isHead(head, bias, features!)) {
    model.loadStateDict(state);
    return { newHead: null };
  }
  // With the model's own head in its place the rest is still checked in full.
  const own = await model.stateDict((name) => name.startsWith("fc."));
  model.loadStateDict(new Map([...state, ...own]));
  return { newHead: { classesInFile: head[0]!, classes: model.classes } };
}

const isHead = (weight: Shape, bias: Shape | undefined, features: number): boolean =>
  weight.length === 2 && weight[1] === features && bias?.length === 1 && bias[0] === weight[0];
