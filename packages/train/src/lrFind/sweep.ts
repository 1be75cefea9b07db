import type { RunEvent } from "../api/events.ts";
import { InterruptedError, NonFiniteGradientsError, NonFiniteLossError } from "../loop/errors.ts";
import type { RunLog } from "../loop/options.ts";
import type { StepRow } from "../run/runFolder.ts";
import { SmoothedLoss, type RatePoint } from "./suggest.ts";

/** Takes down the steps of a sweep, and ends it where the loss leaves all bounds. */
export class Sweep implements RunLog {
  readonly points: RatePoint[] = [];
  /** Aborts with the caller's, or where the sweep is to end. */
  readonly signal: AbortSignal;
  readonly #steps: number;
  readonly #end = new AbortController();
  readonly #onEvent: (event: RunEvent) => void;
  readonly #smoothed = new SmoothedLoss();
  #broken = false;

  constructor(steps: number, signal: AbortSignal, onEvent: (event: RunEvent) => void) {
    this.#steps = steps;
    this.#onEvent = onEvent;
    this.signal = AbortSignal.any([signal, this.#end.signal]);
  }

  /** The loss left all bounds, or was not finite any more. */
  get diverged(): boolean {
    return this.#broken || this.#end.signal.aborted;
  }

  appendStep({ lr, loss }: StepRow): void {
    const smoothed = this.#smoothed.add(loss);
    this.points.push({ lr, loss, smoothed });
    this.#onEvent({ kind: "sweep", step: this.points.length, steps: this.#steps, lr, smoothed });
    if (this.#smoothed.diverged(smoothed)) this.#end.abort();
  }

  appendEpoch(): void {}

  /** Takes what ended training for the end of the sweep where it is one; throws any other error again. */
  endedBy(error: unknown): void {
    if (error instanceof InterruptedError) return; // this sweep's own end, or the caller's, who knows
    this.#broken = error instanceof NonFiniteLossError || error instanceof NonFiniteGradientsError;
    if (!this.#broken) throw error;
  }
}
