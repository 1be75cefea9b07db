import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

const MAIN = join(import.meta.dirname, "..", "..", "dist", "main.js");

export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The built command line as a process of its own: for signals, and for how a process ends. */
export class Child {
  readonly ended: Promise<Ended>;
  readonly #process: ChildProcess;
  readonly #text = { stdout: "", stderr: "" };

  constructor(argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
    if (!existsSync(MAIN)) throw new Error(`${MAIN} is not there: npm run build`);
    this.#process = spawn(process.execPath, [MAIN, ...argv], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    for (const name of ["stdout", "stderr"] as const)
      this.#process[name]!.setEncoding("utf8").on("data", (part: string) => (this.#text[name] += part));
    this.ended = new Promise((resolve, reject) => {
      this.#process.once("error", reject);
      this.#process.once("close", (exitCode) => resolve({ exitCode, ...this.#text }));
    });
  }

  /** Waits until stderr has a text. Rejects where the process ends without it. */
  async said(text: string | RegExp): Promise<void> {
    const found = (): boolean =>
      typeof text === "string" ? this.#text.stderr.includes(text) : text.test(this.#text.stderr);
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (found()) resolve();
      };
      this.#process.stderr!.on("data", look);
      this.ended.then(({ exitCode, stderr }) => {
        if (!found()) reject(new Error(`ended with ${exitCode} without ${String(text)}:\n${stderr}`));
      }, reject);
      look();
    });
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  [Symbol.dispose](): void {
    this.#process.kill("SIGKILL");
  }
}
