/** Works on 0 ... count - 1, `concurrency` at a time. After an error nothing new is begun, and it is thrown once all have ended. */
export async function inParallel(
  count: number,
  concurrency: number,
  work: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      try {
        await work(next++);
      } catch (error) {
        next = count;
        throw error;
      }
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: Math.max(1, concurrency) }, worker));
  const failed = ended.find((outcome) => outcome.status === "rejected");
  if (failed) throw failed.reason;
}

/** `work`, of which no more than `most` are done at once; the others wait in order. */
export function inPlaces<A extends readonly unknown[], R>(
  most: number,
  work: (...of: A) => Promise<R>,
): (...of: A) => Promise<R> {
  const waiting: (() => void)[] = [];
  let busy = 0;
  return async (...of) => {
    if (busy >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    else busy += 1;
    try {
      return await work(...of);
    } finally {
      // A place goes from hand to hand.
      const next = waiting.shift();
      if (next) next();
      else busy -= 1;
    }
  };
}
