import type * as Lossless from "@cornerstonejs/jpeg-lossless-decoder-js";
import { availableParallelism } from "node:os";
import { Worker, type MessagePort } from "node:worker_threads";
import { inPlaces } from "../inParallel.ts";

export type CodecName = "jpeg-2000" | "jpeg-ls" | "jpeg-lossless";

interface Answer {
  readonly samples: Uint8Array<ArrayBuffer>;
  readonly planar: boolean;
  /** What the decoder complained of, or null. */
  readonly problem: string | null;
}

/** Threads that decode, as many as there is work for and processors are there; they don't keep the program alive. */
export class CodecWorkers {
  readonly #idle: Worker[] = [];

  readonly #decode = inPlaces(
    Math.max(1, Math.min(4, availableParallelism() - 1)),
    async (codec: CodecName, bytes: Uint8Array, longestMs: number): Promise<Answer | null> => {
      const worker = this.#idle.pop() ?? startWorker();
      const answer = await ask(worker, { codec, bytes: Uint8Array.from(bytes) }, longestMs);
      if (answer) this.#idle.push(worker);
      else await worker.terminate();
      return answer;
    },
  );

  /** Null where the decoder did not end in time. */
  async decode(codec: CodecName, bytes: Uint8Array, longestMs: number): Promise<Answer | null> {
    return this.#decode(codec, bytes, longestMs);
  }
}

interface Request {
  readonly codec: CodecName;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Null where no answer comes, or the thread ends. */
function ask(worker: Worker, request: Request, longestMs: number): Promise<Answer | null> {
  worker.ref();
  return new Promise((resolve) => {
    const settle = (answer: Answer | null): void => {
      clearTimeout(timer);
      worker.off("message", settle).off("exit", none).off("error", none);
      worker.unref();
      resolve(answer);
    };
    const none = (): void => settle(null);
    const timer = setTimeout(none, longestMs);
    worker.on("message", settle).on("exit", none).on("error", none);
    worker.postMessage(request, [request.bytes.buffer]);
  });
}

/** Of a thread's own heap: what a decoder takes beyond it ends the thread and not the program. Pixels lie outside it. */
export const CODEC_LIMITS = { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 64 } as const;

/** From a function's text rather than a file: sources and what is compiled of them differ in their names' endings. */
export function startWorker(): Worker {
  const worker = new Worker(
    `const { parentPort, workerData } = require("node:worker_threads");
(${decodeRequests.toString()})(require("node:module").createRequire(workerData), parentPort);`,
    { eval: true, workerData: import.meta.url, resourceLimits: CODEC_LIMITS },
  );
  worker.unref();
  return worker;
}

/** What the decoders that were compiled to WebAssembly have in common. */
interface WasmDecoder {
  /** A view of the decoder's own memory, to write the compressed bytes to. */
  getEncodedBuffer(length: number): Uint8Array;
  getDecodedBuffer(): Uint8Array;
  getInterleaveMode?(): number;
  decode(): void;
  delete(): void;
}
interface WasmModule {
  readonly J2KDecoder: new () => WasmDecoder;
  readonly JpegLSDecoder: new () => WasmDecoder;
  getExceptionMessage(pointer: unknown): string;
}
type WasmFactory = (options: Record<"print" | "printErr", (line: string) => void>) => Promise<WasmModule>;

/** Runs in a thread, and sees nothing but what it is given. */
function decodeRequests(load: NodeJS.Require, port: MessagePort): void {
  const modules = new Map<string, Promise<WasmModule>>();
  let said: string[] = [];
  const hear = (line: string): void => {
    if (said.length < 8) said.push(line);
  };
  const wasm = (name: string): Promise<WasmModule> => {
    const found = modules.get(name) ?? (load(name) as WasmFactory)({ print: hear, printErr: hear });
    modules.set(name, found);
    return found;
  };
  const decodeWith = (decoder: WasmDecoder, bytes: Uint8Array): Answer => {
    try {
      decoder.getEncodedBuffer(bytes.length).set(bytes);
      decoder.decode();
      // It warns of much that does not show; of these, what is missing of a picture is grey.
      const problem = said.find((line) => /ERROR|inconsistent|too short|truncated/.test(line)) ?? null;
      return {
        samples: Uint8Array.from(decoder.getDecodedBuffer()),
        planar: decoder.getInterleaveMode?.() === 0,
        problem,
      };
    } finally {
      decoder.delete();
    }
  };
  const lossless = (bytes: Uint8Array<ArrayBuffer>): Answer => {
    const { Decoder } = load("@cornerstonejs/jpeg-lossless-decoder-js") as typeof Lossless;
    const samples = new Uint8Array(new Decoder().decompress(bytes.buffer, 0, bytes.length));
    return { samples, planar: false, problem: null };
  };
  const decode = async ({ codec, bytes }: Request): Promise<Answer> => {
    said = [];
    if (codec === "jpeg-lossless") return lossless(bytes);
    const name = codec === "jpeg-ls" ? "charls" : "openjpeg";
    const module = await wasm(`@cornerstonejs/codec-${name}/decodewasmjs`);
    try {
      return decodeWith(codec === "jpeg-ls" ? new module.JpegLSDecoder() : new module.J2KDecoder(), bytes);
    } catch (error) {
      throw typeof error === "number" && "getExceptionMessage" in module
        ? new Error(module.getExceptionMessage(error), { cause: error })
        : error;
    }
  };
  port.on("message", (request: Request) => {
    decode(request)
      .catch((error: unknown) => ({
        samples: new Uint8Array(),
        planar: false,
        problem: error instanceof Error ? error.message : String(error),
      }))
      .then((answer) => port.postMessage(answer, [answer.samples.buffer]))
      .catch(() => process.exit(1));
  });
}
