/** How many steps may be under way on the device. While one runs, the host prepares the next. */
export const STEPS_IN_FLIGHT = 2;

/**
 * Results of steps, read in order without stopping the device: a reading is queued behind its step, and waited for only
 * when a further step is about to be queued and `STEPS_IN_FLIGHT` are under way.
 */
export class ReadRing<T> {
  readonly #pending: Promise<T>[] = [];
  readonly #receive: (value: T) => void;

  constructor(receive: (value: T) => void) {
    this.#receive = receive;
  }

  /** Waits until another step may be queued. */
  async room(): Promise<void> {
    while (this.#pending.length >= STEPS_IN_FLIGHT) this.#receive(await this.#pending.shift()!);
  }

  push(reading: Promise<T>): void {
    reading.catch(() => {}); // its error is thrown where it is awaited, not before
    this.#pending.push(reading);
  }

  /** Waits for everything that was pushed. */
  async drain(): Promise<void> {
    while (this.#pending.length > 0) this.#receive(await this.#pending.shift()!);
  }
}
