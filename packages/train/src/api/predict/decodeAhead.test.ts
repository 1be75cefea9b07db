import { workingPreprocessing } from "@fracture/resnet";
import { expect, it } from "vitest";
import { batchesOf } from "./batches.ts";
import { decodeAhead } from "./decodeAhead.ts";

const options = { preprocessing: workingPreprocessing(32), ahead: 16 };

/** Paths that are sent one by one, each answered by whoever waits for it. */
function slowList() {
  const waiting: ((result: IteratorResult<string, undefined>) => void)[] = [];
  const next = (): Promise<IteratorResult<string, undefined>> => new Promise((resolve) => waiting.push(resolve));
  const put = (result: IteratorResult<string, undefined>): void => waiting.shift()!(result);
  return {
    paths: { [Symbol.asyncIterator]: () => ({ next }) },
    send: (path: string) => put({ done: false, value: path }),
    end: () => put({ done: true, value: undefined }),
  };
}

it("a picture of a list that goes on comes before the next path does, and then that there is nothing to do", async () => {
  const { paths, send, end } = slowList();
  const decoded = decodeAhead(paths, options);
  for (const path of ["a.png", "b.png"]) {
    const coming = decoded.next();
    send(path);
    expect((await coming).value).toMatchObject({ path, picture: null });
    expect(await decoded.next()).toEqual({ done: false, value: null });
  }
  const last = decoded.next();
  end();
  expect((await last).done).toBe(true);
});

it("a batch that is not full comes when nothing is to be done, and so does that the caller need not wait", async () => {
  const { paths, send } = slowList();
  const batches = batchesOf(decodeAhead(paths, options), 8);
  const coming = batches.next();
  send("a.png");
  expect((await coming).value).toMatchObject([{ path: "a.png" }]);
  expect((await batches.next()).value).toBeNull();
  await batches.return();
});

it("a list that is there at once fills its batches, and the last has what is left", async () => {
  const names = Array.from({ length: 20 }, (_, i) => `${i}.png`);
  async function* list(): AsyncGenerator<string> {
    yield* names;
  }
  const found: (readonly string[] | null)[] = [];
  // Eight files without a picture are as many as one batch of one picture takes.
  for await (const batch of batchesOf(decodeAhead(list(), options), 1))
    found.push(batch && batch.map(({ path }) => path));
  expect(found).toEqual([names.slice(0, 8), names.slice(8, 16), names.slice(16)]);
});
