import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { defaultWeightsFolder } from "./cacheFolder.ts";
import { FetchError, cachedWeights, fetchWeights } from "./fetchWeights.ts";
import { PUBLISHED_WEIGHTS, findPublished, findPublishedByHash } from "./published.ts";

const CONTENT = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7919) >> 3);
const HASH = createHash("sha256").update(CONTENT).digest("hex");

// One more set, of a content that a test can serve.
vi.mock(import("./published.ts"), async (importOriginal) => {
  const original = await importOriginal();
  return { ...original, findPublished: (name) => (name === "tiny" ? TINY : original.findPublished(name)) };
});
const TINY = { ...PUBLISHED_WEIGHTS[0]!, name: "tiny", file: `tiny-${HASH.slice(0, 8)}.pth`, sha256: HASH };

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A server as download.pytorch.org is: it honours ranges. */
const wellBehaved: Handler = (request, response) => {
  const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? "");
  const from = range ? Number(range[1]) : 0;
  if (from >= CONTENT.length) {
    response.writeHead(416, { "content-range": `bytes */${CONTENT.length}` }).end();
    return;
  }
  const headers = { "content-length": CONTENT.length - from };
  if (range)
    response.writeHead(206, { ...headers, "content-range": `bytes ${from}-${CONTENT.length - 1}/${CONTENT.length}` });
  else response.writeHead(200, headers);
  response.end(CONTENT.subarray(from));
};

/** Promises the whole file and hangs up after `bytes`. */
const cutOffAfter =
  (bytes: number): Handler =>
  (_, response) => {
    response.writeHead(200, { "content-length": CONTENT.length });
    response.write(CONTENT.subarray(0, bytes), () => setTimeout(() => response.destroy(), 20));
  };

describe("fetchWeights", () => {
  let server: Server;
  let handler: Handler = wellBehaved;
  let baseUrl = "";
  let cacheFolder = "";
  let ranges: (string | undefined)[] = [];
  const paths = new Set<string>();

  beforeEach(async () => {
    cacheFolder = join(mkdtempSync(join(tmpdir(), "fracture-fetch-")), "new", "weights");
    handler = wellBehaved;
    ranges = [];
    server = createServer((request, response) => {
      ranges.push(request.headers.range);
      paths.add(request.url ?? "");
      handler(request, response);
    });
    await new Promise<void>((listening) => void server.listen(0, "127.0.0.1", listening));
    baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/models`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
    rmSync(join(cacheFolder, "..", ".."), { recursive: true });
  });

  const final = (): string => join(cacheFolder, TINY.file);
  const part = (): string => `${final()}.part`;
  const fetchTiny = (more: Parameters<typeof fetchWeights>[1] = {}): Promise<string> =>
    fetchWeights("tiny", { cacheFolder, baseUrl, ...more });
  const failure = async (work: Promise<string>): Promise<FetchError> => {
    const error: unknown = await work.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(FetchError);
    return error as FetchError;
  };

  test("downloads, verifies, and takes it from the cache the second time", async () => {
    const progress: [number, number | null][] = [];
    expect(await fetchTiny({ onProgress: (...at) => progress.push(at) })).toBe(final());
    expect(Buffer.compare(readFileSync(final()), CONTENT)).toBe(0);
    expect(existsSync(part())).toBe(false);
    expect(progress[0]).toEqual([0, CONTENT.length]);
    expect(progress.at(-1)).toEqual([CONTENT.length, CONTENT.length]);
    expect(await fetchTiny()).toBe(final());
    expect(ranges.length).toBe(1);
    expect([...paths]).toEqual([`/models/${TINY.file}`]);
    expect(await cachedWeights("tiny", { cacheFolder })).toBe(final());
  });

  test("what was cut off is kept, never used, and resumed from where it stopped", async () => {
    handler = cutOffAfter(100_000);
    const error = await failure(fetchTiny());
    expect(error).toMatchObject({ fault: "network", exitCode: 1 });
    expect(error.message).toContain("goes on from there");
    expect(existsSync(final())).toBe(false);
    expect(readFileSync(part()).length).toBe(100_000);
    handler = wellBehaved;
    const progress: number[] = [];
    await fetchTiny({ onProgress: (received) => progress.push(received) });
    expect(ranges).toEqual([undefined, "bytes=100000-"]);
    expect(progress[0]).toBe(100_000);
    expect(Buffer.compare(readFileSync(final()), CONTENT)).toBe(0);
  });

  test("a server that ignores ranges sends everything again", async () => {
    handler = cutOffAfter(1000);
    await failure(fetchTiny());
    handler = (_, response) => void response.writeHead(200, { "content-length": CONTENT.length }).end(CONTENT);
    await fetchTiny();
    expect(Buffer.compare(readFileSync(final()), CONTENT)).toBe(0);
  });

  test("another range than was asked for is refused, and the part stays", async () => {
    handler = cutOffAfter(1000);
    await failure(fetchTiny());
    handler = (_, response) =>
      void response.writeHead(206, { "content-range": `bytes 5-${CONTENT.length - 1}/${CONTENT.length}` }).end("x");
    expect(await failure(fetchTiny())).toMatchObject({ fault: "http" });
    expect(readFileSync(part()).length).toBe(1000);
  });

  test("a wrong hash shows both, is never used, and the next attempt starts anew", async () => {
    const wrong = Uint8Array.from(CONTENT).fill(1, 5, 9);
    handler = (_, response) => void response.end(wrong);
    const error = await failure(fetchTiny());
    expect(error).toMatchObject({ fault: "hash" });
    expect(error.message).toContain(HASH);
    expect(error.message).toContain(createHash("sha256").update(wrong).digest("hex"));
    expect(existsSync(final())).toBe(false);
    handler = wellBehaved;
    await fetchTiny();
    expect(ranges).toEqual([undefined, `bytes=${CONTENT.length}-`, undefined]);
    expect(Buffer.compare(readFileSync(final()), CONTENT)).toBe(0);
  });

  test("a part that is complete already needs no download", async () => {
    handler = cutOffAfter(1000);
    await failure(fetchTiny());
    writeFileSync(part(), CONTENT);
    handler = wellBehaved;
    expect(await fetchTiny()).toBe(final());
  });

  test("a damaged file in the cache is fetched again", async () => {
    await fetchTiny();
    writeFileSync(final(), "damaged");
    expect(await cachedWeights("tiny", { cacheFolder })).toBeNull();
    await fetchTiny();
    expect(Buffer.compare(readFileSync(final()), CONTENT)).toBe(0);
  });

  test("404 says the address and the status, and leaves nothing behind", async () => {
    handler = (_, response) => void response.writeHead(404).end("<html>");
    const error = await failure(fetchTiny());
    expect(error).toMatchObject({ fault: "http" });
    expect(error.message).toContain(`${baseUrl}/${TINY.file}: the server answers 404 Not Found`);
    expect(existsSync(part())).toBe(false);
  });

  test("a server that can't be reached is named", async () => {
    const error = await failure(fetchTiny({ baseUrl: "http://127.0.0.1:1/" }));
    expect(error).toMatchObject({ fault: "network" });
    expect(error.message).toContain("http://127.0.0.1:1/tiny-");
  });

  test("stopped by its signal it rejects with the signal's reason and keeps the part", async () => {
    handler = (_, response) => {
      response.writeHead(200, { "content-length": CONTENT.length });
      response.write(CONTENT.subarray(0, 50_000));
    };
    const stop = new AbortController();
    const reason = new Error("Ctrl-C");
    const work = fetchTiny({ signal: stop.signal, onProgress: (received) => received >= 50_000 && stop.abort(reason) });
    await expect(work).rejects.toBe(reason);
    expect(readFileSync(part()).length).toBe(50_000);
  });

  test("a folder that can't be made is a fault of the disk", async () => {
    const file = join(cacheFolder, "..", "..", "file");
    writeFileSync(file, "");
    expect(await failure(fetchTiny({ cacheFolder: join(file, "weights") }))).toMatchObject({ fault: "disk" });
  });

  test("an unknown name lists those that exist", async () => {
    const error = await failure(fetchWeights("resnet49", { cacheFolder, baseUrl }));
    expect(error).toMatchObject({ fault: "unknown", exitCode: 2 });
    expect(error.message).toContain("resnet18, resnet34, resnet50, resnet50-v2");
  });
});

describe("published weights", () => {
  test("every file's name ends with the beginning of its hash, and every name is found", () => {
    for (const weights of PUBLISHED_WEIGHTS) {
      const digits = /-([0-9a-f]{8})\.pth$/.exec(weights.file)?.[1];
      expect(weights.sha256.slice(0, 8)).toBe(digits);
      expect(findPublished(weights.name)).toBe(weights);
      expect(findPublishedByHash(weights.sha256.padEnd(64, "0"))).toBe(weights);
    }
    expect(findPublished("ResNet50-V1")?.file).toBe("resnet50-0676ba61.pth");
    expect(findPublishedByHash("0".repeat(64))).toBeNull();
  });

  test("the second sets resize to 232, the first ones to 256", () => {
    for (const { name, preprocessing } of PUBLISHED_WEIGHTS)
      expect(preprocessing).toMatchObject({ resize: name.endsWith("-v2") ? 232 : 256, crop: 224, channels: "rgb" });
  });

  test("they are cached where the environment says", () => {
    expect(defaultWeightsFolder({ FRACTURE_CACHE: "/a" })).toBe(join("/a", "weights"));
    expect(defaultWeightsFolder({ XDG_CACHE_HOME: "/b" })).toBe(join("/b", "fracture", "weights"));
    expect(defaultWeightsFolder({})).toContain(join(".cache", "fracture", "weights"));
  });
});
