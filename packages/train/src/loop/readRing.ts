/** How many steps may be under way on the device before the oldest one's numbers are waited for. */
const STEPS_IN_FLIGHT = 2;

/**
 * Results of steps, read in order without stopping the device: a reading is queued behind its step, and waited for only
 * when two more steps are under way.
 */
export class ReadRing<T> {
  readonly #pending: Promise<T>[] = [];
  readonly #receive: (value: T) => void;

  constructor(receive: (value: T) => void) {
    this.#receive = receive;
  }

  async push(reading: Promise<T>): Promise<void> {
    reading.catch(() => {}); // its error is thrown where it is awaited, not before
    this.#pending.push(reading);
    if (this.#pending.length > STEPS_IN_FLIGHT) this.#receive(await this.#pending.shift()!);
  }

  /** Waits for everything that was pushed. */
  async drain(): Promise<void> {
    while (this.#pending.length > 0) this.#receive(await this.#pending.shift()!);
  }
}
