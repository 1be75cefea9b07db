import type { Storage } from "../../storage.ts";
import { access, type Recording, type Step } from "../recording.ts";

/** Drops the steps that write only intermediates that nothing reads later. `outputs` count as read. */
export function dropDeadSteps(steps: readonly Step[], recording: Recording, outputs: ReadonlySet<Storage>): Step[] {
  const wanted = new Set(outputs);
  const kept: Step[] = [];
  for (const step of steps.toReversed()) {
    const { reads, writes } = access(step);
    if (!writes.some((storage) => wanted.has(storage) || !recording.owns(storage))) continue;
    for (const storage of reads) wanted.add(storage);
    kept.push(step);
  }
  return kept.toReversed();
}
