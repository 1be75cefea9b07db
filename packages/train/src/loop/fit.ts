import { optim, type Device } from "@fracture/tensor";
import { renewPatience } from "./earlyStopping.ts";
import { InterruptedError } from "./errors.ts";
import type { FitOptions } from "./options.ts";
import { StageRun } from "./stageRun.ts";
import type { FitState } from "./state.ts";

/**
 * Trains a model in stages: the loop of torch users, with captured steps, two of them in flight, and everything that
 * decides the result in `state` and the checkpoint. Ends with the best weights in the model (by `stopping.monitor` over
 * the epochs of all stages; the last ones where there is no `val`).
 *
 * @throws InterruptedError after saving where `signal` aborts
 * @throws NonFiniteLossError where a loss is NaN or infinite; nothing is saved, so that the last checkpoint stands
 */
export async function fit(options: FitOptions): Promise<void> {
  const { device, stages, state, checkpoints, onEvent, signal } = options;
  using scaler = options.precision === "mixed" ? await startScaler(device, state) : null;
  while (state.stage < stages.length) {
    const stage = stages[state.stage]!;
    onEvent({ kind: "stage", stage, index: state.stage, count: stages.length });
    {
      using run = new StageRun(options, stage, scaler);
      try {
        await run.prepare();
        await run.train();
      } catch (error) {
        if (!signal.aborted || error !== signal.reason) throw error;
        await device.sync();
        await checkpoints.save(run.optimizer);
        throw new InterruptedError({ saved: true });
      }
    }
    device.trim(); // the next stage's buffers have other sizes
    if (options.val && state.stopping.bestEpoch !== null) checkpoints.restoreBest();
    state.stage += 1;
    state.stageEpochs = 0;
    state.stopping = renewPatience(state.stopping);
    await checkpoints.save(null);
  }
}

/** One loss scale for all stages, as it was where the state says. */
async function startScaler(device: Device, state: FitState): Promise<optim.GradScaler> {
  const scaler = new optim.GradScaler(device);
  if (state.lossScale) scaler.write(state.lossScale);
  state.lossScale ??= await scaler.read();
  return scaler;
}
