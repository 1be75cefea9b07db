import { describe, expect, test } from "vitest";
import {
  EarlyStoppingError,
  renewPatience,
  startEarlyStopping,
  updateEarlyStopping,
  type EarlyStoppingOptions,
  type EarlyStoppingState,
} from "./earlyStopping.ts";

/** Feeds values epoch by epoch (from 1) until training stops. */
function follow(values: readonly number[], options: EarlyStoppingOptions, state = startEarlyStopping()) {
  const improved: number[] = [];
  let epoch = state.bestEpoch ?? 0;
  for (const value of values) {
    epoch++;
    const update = updateEarlyStopping(state, epoch, value, options);
    state = update.state;
    if (update.improved) improved.push(epoch);
    if (update.stop) return { state, improved, stoppedAt: epoch };
  }
  return { state, improved, stoppedAt: null };
}

describe("early stopping", () => {
  test("stops after `patience` epochs in a row without a lower loss", () => {
    const { improved, stoppedAt, state } = follow([3, 2, 2.5, 1.5, 1.6, 1.7, 1.8, 0.1], {
      patience: 3,
    });
    expect({ improved, stoppedAt }).toEqual({ improved: [1, 2, 4], stoppedAt: 7 });
    expect(state).toEqual({ best: 1.5, bestEpoch: 4, epochsWithoutImprovement: 3 });
  });

  test("takes a larger accuracy for better where it watches the accuracy", () => {
    const { improved, stoppedAt } = follow([0.5, 0.7, 0.6, 0.7], {
      patience: 2,
      monitor: "valAccuracy",
    });
    expect({ improved, stoppedAt }).toEqual({ improved: [1, 2], stoppedAt: 4 });
  });

  test("an improvement has to be more than minDelta", () => {
    expect(follow([1, 0.5, 0.25, 0.3], { patience: 9, minDelta: 0.25 }).improved).toEqual([1, 2]);
  });

  test.each([NaN, Infinity, -Infinity])("%d never improves, not even as the first value", (value) => {
    for (const monitor of ["valLoss", "valAccuracy"] as const) {
      expect(follow([value, 0.5, value], { patience: 9, monitor }).improved).toEqual([2]);
      expect(follow([value, value], { patience: 2, monitor }).stoppedAt).toBe(2);
    }
  });

  test("without patience it never stops, and still remembers the best", () => {
    const { state, stoppedAt } = follow([1, ...Array.from({ length: 99 }, () => 2)], {
      patience: null,
    });
    expect({ stoppedAt, bestEpoch: state.bestEpoch }).toEqual({ stoppedAt: null, bestEpoch: 1 });
  });

  test("goes on from a state that went through JSON as if it had not stopped", () => {
    const values = [3, NaN, 2, 2.1, 2.2, 2.3];
    for (let cut = 0; cut < values.length - 1; cut++) {
      let state: EarlyStoppingState = startEarlyStopping();
      const stops: boolean[] = [];
      values.forEach((value, i) => {
        if (i === cut) state = JSON.parse(JSON.stringify(state));
        const update = updateEarlyStopping(state, i + 1, value, { patience: 3 });
        state = update.state;
        stops.push(update.stop);
      });
      expect(stops).toEqual([false, false, false, false, false, true]);
    }
  });

  test("a new stage has its full patience and the old best to beat", () => {
    const { state } = follow([1, 2, 3], { patience: 3 });
    const renewed = renewPatience(state);
    expect(renewed).toEqual({ best: 1, bestEpoch: 1, epochsWithoutImprovement: 0 });
    expect(updateEarlyStopping(renewed, 4, 1.5, { patience: 3 }).improved).toBe(false);
  });

  test("refuses options that make no sense, naming them", () => {
    const update = (options: EarlyStoppingOptions) => () => updateEarlyStopping(startEarlyStopping(), 1, 1, options);
    expect(update({ patience: 0 })).toThrow("early stopping: patience must be an integer >= 1, got 0");
    expect(update({ patience: 1, minDelta: -1 })).toThrow(EarlyStoppingError);
  });
});
