import { mkdir, open, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { defaultWeightsFolder } from "./cacheFolder.ts";
import { sha256OfFile } from "./hash.ts";
import { PUBLISHED_BASE_URL, PUBLISHED_WEIGHTS, findPublished, type PublishedWeights } from "./published.ts";

/** "unknown" no such name (wrong usage); "network" no connection, or it broke off; "http" a refusal; "hash" other content; "disk". */
export type FetchFault = "unknown" | "network" | "http" | "hash" | "disk";

/** Weights that could not be fetched. What has arrived of them is kept, to go on with. */
export class FetchError extends Error {
  override readonly name = "FetchError";
  readonly fault: FetchFault;
  /** 2 for a name that doesn't exist, else 1. */
  readonly exitCode: 1 | 2;

  constructor(fault: FetchFault, message: string, cause?: unknown) {
    super(message, { cause });
    this.fault = fault;
    this.exitCode = fault === "unknown" ? 2 : 1;
  }
}

export interface FetchOptions {
  /** Default: `defaultWeightsFolder()`. */
  readonly cacheFolder?: string;
  /** Where the files lie. Default: torchvision's. */
  readonly baseUrl?: string;
  /** Bytes that are here, those of an earlier attempt included, and the file's size where the server says it. */
  readonly onProgress?: (received: number, total: number | null) => void;
  /** Stops it; the promise rejects with the signal's reason, and the part is kept. */
  readonly signal?: AbortSignal;
}

/** The largest of them is 240 MB. */
const MAX_BYTES = 2 ** 30;

/**
 * The file of a published set of weights ("resnet50", "resnet50-v2", ...; see PUBLISHED_WEIGHTS): from the cache where it is
 * there, else downloaded. A download that stops half-way is kept as `<file>.part` and resumed by the next call. A file is
 * given out only after its SHA-256 has been checked, also when it comes from the cache.
 *
 * @returns the file's path
 * @throws FetchError
 */
export async function fetchWeights(name: string, options: FetchOptions = {}): Promise<string> {
  const weights = lookUp(name);
  const { cacheFolder = defaultWeightsFolder(), signal } = options;
  const cached = await cachedWeights(name, { cacheFolder, ...(signal ? { signal } : {}) });
  if (cached !== null) return cached;
  const path = join(cacheFolder, weights.file);
  const part = `${path}.part`;
  await onDisk(mkdir(cacheFolder, { recursive: true }), cacheFolder);
  await download(weights, part, options);
  const found = await onDisk(sha256OfFile(part, signal), part, signal);
  if (!found.startsWith(weights.sha256))
    throw new FetchError(
      "hash",
      `${part}: the download has another content than was published: sha256 ${found} instead of ${weights.sha256}${weights.sha256.length < 64 ? "..." : ""}. It is not used; the next attempt starts anew`,
    );
  await onDisk(rename(part, path), path);
  return path;
}

/** The path of a published set that is in the cache already, or null. A file with a wrong SHA-256 counts as absent. */
export async function cachedWeights(
  name: string,
  { cacheFolder = defaultWeightsFolder(), signal }: Pick<FetchOptions, "cacheFolder" | "signal"> = {},
): Promise<string | null> {
  const weights = lookUp(name);
  const path = join(cacheFolder, weights.file);
  if ((await sizeOf(path)) === null) return null;
  return (await onDisk(sha256OfFile(path, signal), path, signal)).startsWith(weights.sha256) ? path : null;
}

function lookUp(name: string): PublishedWeights {
  const weights = findPublished(name);
  if (weights) return weights;
  const known = PUBLISHED_WEIGHTS.map((one) => one.name).join(", ");
  throw new FetchError("unknown", `no published weights are called ${JSON.stringify(name)}; there are ${known}`);
}

/** Brings `part` to its full length. */
async function download(weights: PublishedWeights, part: string, options: FetchOptions): Promise<void> {
  const { baseUrl = PUBLISHED_BASE_URL, signal } = options;
  const url = new URL(weights.file, baseUrl.endsWith("/") ? baseUrl : `${baseUrl}/`);
  let have = (await sizeOf(part)) ?? 0;
  let response = await request(url, have, signal);
  if (response.status === 416) {
    await response.body?.cancel();
    // Nothing comes behind what is here already. Either that is the whole file, or it is a wrong one.
    if ((await onDisk(sha256OfFile(part, signal), part, signal)).startsWith(weights.sha256)) return;
    await onDisk(rm(part), part);
    have = 0;
    response = await request(url, 0, signal);
  }
  const resumed = response.status === 206 && /^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "")?.[1];
  if (!response.ok || (response.status === 206 && resumed !== String(have))) {
    await response.body?.cancel();
    throw new FetchError("http", `${url.href}: the server answers ${response.status} ${response.statusText}`.trimEnd());
  }
  // A server that ignores ranges sends the file from its beginning.
  const from = response.status === 206 ? have : 0;
  const length = Number(response.headers.get("content-length") ?? Number.NaN);
  const total = Number.isFinite(length) && !response.headers.has("content-encoding") ? from + length : null;
  await receive(url, response, part, { from, total, options });
}

interface Place {
  readonly from: number;
  readonly total: number | null;
  readonly options: FetchOptions;
}

async function receive(url: URL, response: Response, part: string, { from, total, options }: Place): Promise<void> {
  const { onProgress, signal } = options;
  const file = await onDisk(open(part, from > 0 ? "r+" : "w"), part);
  let received = from;
  try {
    onProgress?.(received, total);
    for await (const chunk of arriving(url, response, signal, () => received)) {
      if (received + chunk.length > MAX_BYTES)
        throw new FetchError("http", `${url.href}: more than ${MAX_BYTES} bytes; no published weights are that large`);
      await onDisk(writeAt(file, chunk, received), part);
      received += chunk.length;
      onProgress?.(received, total);
    }
    await onDisk(file.sync(), part);
  } finally {
    await file.close();
  }
  if (total !== null && received !== total) throw cutOff(url, received, undefined);
}

/** The body's pieces, with errors of the network under our name. */
async function* arriving(
  url: URL,
  response: Response,
  signal: AbortSignal | undefined,
  received: () => number,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of response.body ?? []) yield chunk;
  } catch (error) {
    signal?.throwIfAborted();
    throw cutOff(url, received(), error);
  }
}

function cutOff(url: URL, received: number, cause: unknown): FetchError {
  return new FetchError(
    "network",
    `${url.href}: the connection broke off after ${received} bytes (${reasonOf(cause)}); they are kept, and the same command goes on from there`,
    cause,
  );
}

async function request(url: URL, from: number, signal: AbortSignal | undefined): Promise<Response> {
  try {
    return await fetch(url, {
      headers: { "accept-encoding": "identity", ...(from > 0 ? { range: `bytes=${from}-` } : {}) },
      ...(signal ? { signal } : {}),
    });
  } catch (error) {
    signal?.throwIfAborted();
    throw new FetchError("network", `${url.href} can't be reached (${reasonOf(error)})`, error);
  }
}

/** fetch() hides the reason ("fetch failed") in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return "no reason given";
  return error.cause instanceof Error && error.cause.message ? error.cause.message : error.message;
}

async function writeAt(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;)
    done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
}

async function sizeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).size;
  } catch {
    return null;
  }
}

async function onDisk<T>(work: Promise<T>, path: string, signal?: AbortSignal): Promise<T> {
  try {
    return await work;
  } catch (error) {
    signal?.throwIfAborted();
    throw new FetchError("disk", `${path}: ${error instanceof Error ? error.message : String(error)}`, error);
  }
}
