import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { SetupError } from "./workspace.mjs";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
const START_MS = 60_000;

/** The browser that FRACTURE_CHROMIUM names, or one that is installed; null where there is none. */
export function findChromium() {
  const named = process.env.FRACTURE_CHROMIUM;
  if (named) return existsSync(named) ? named : null;
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  const candidates = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  return candidates.find((path) => existsSync(path)) ?? null;
}

/**
 * Starts a headless Chromium that is spoken to over pipes (the DevTools protocol, which needs no package); `end()` ends it. Throws a
 * SetupError where it doesn't start.
 */
export async function startChromium(executable) {
  const profile = mkdtempSync(join(tmpdir(), "fracture-chromium-"));
  const child = spawn(executable, [...ARGUMENTS, `--user-data-dir=${profile}`], {
    stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
    env: { ...process.env, HOME: profile },
  });
  const ended = new Promise((resolve) => {
    child.once("close", resolve);
    child.once("error", resolve);
  });
  const browser = new Browser(child.stdio[3], child.stdio[4], ended, async () => {
    child.kill("SIGKILL");
    await ended;
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  });
  try {
    await browser.send("Browser.getVersion", {}, undefined, START_MS);
    return browser;
  } catch (error) {
    await browser.end();
    throw error;
  }
}

const ARGUMENTS = [
  "--headless=new",
  "--remote-debugging-pipe",
  // A container's root has no user namespaces to build the sandbox from; what is opened is our own.
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-extensions",
  "--disable-background-networking",
  "--no-first-run",
  "--hide-scrollbars",
  "--force-color-profile=srgb",
];

class Browser {
  #waiting = new Map();
  #listeners = new Set();
  #serial = 0;
  #output;

  constructor(output, input, ended, end) {
    this.#output = output;
    this.end = end;
    output.on("error", () => {}); // a browser that has ended is told of by `ended`
    let text = "";
    input.setEncoding("utf8").on("data", (part) => {
      const messages = (text + part).split("\0");
      text = messages.pop();
      for (const message of messages) this.#receive(JSON.parse(message));
    });
    ended.then(() => {
      for (const { reject } of this.#waiting.values()) reject(new SetupError("Chromium ended before it answered"));
    });
  }

  /** Calls a method, of a page where a session is given, and gives its result. */
  send(method, params = {}, sessionId, milliseconds = 30_000) {
    const id = ++this.#serial;
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new SetupError(`Chromium did not answer ${method}`)), milliseconds);
      const settle = (end) => (value) => {
        clearTimeout(late);
        this.#waiting.delete(id);
        end(value);
      };
      this.#waiting.set(id, { resolve: settle(resolve), reject: settle(reject) });
      this.#output.write(`${JSON.stringify({ id, method, params, ...(sessionId && { sessionId }) })}\0`);
    });
  }

  /** Calls `listener` with every event; gives the function that ends that. */
  listen(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #receive(message) {
    if (message.id === undefined) for (const listener of this.#listeners) listener(message);
    else if (message.error) this.#waiting.get(message.id)?.reject(new Error(message.error.message));
    else this.#waiting.get(message.id)?.resolve(message.result);
  }
}

/**
 * Opens a page at a size, in the light or the dark, and waits until it is loaded. The page: `evaluate(expression)`, `screenshot(clip?)`
 * (a PNG; `clip` in CSS pixels), `pdf()`, `emulatePrint()`, `requests` (what it asked for besides itself), `errors` (console errors and exceptions).
 */
export async function openPage(browser, url, { width, height, dark = false, scale = 1 }) {
  const { targetId } = await browser.send("Target.createTarget", { url: "about:blank" });
  const { sessionId } = await browser.send("Target.attachToTarget", { targetId, flatten: true });
  const call = (method, params) => browser.send(method, params, sessionId);
  const requests = [];
  const errors = [];
  let loaded;
  const load = new Promise((resolve) => (loaded = resolve));
  const stop = browser.listen(({ method, params, sessionId: of }) => {
    if (of !== sessionId) return;
    if (method === "Network.requestWillBeSent" && params.request.url !== url && !params.request.url.startsWith("data:"))
      requests.push(params.request.url);
    if (method === "Log.entryAdded" && params.entry.level === "error") errors.push(params.entry.text);
    if (method === "Runtime.exceptionThrown") errors.push(params.exceptionDetails.text);
    if (method === "Page.loadEventFired") loaded();
  });
  for (const domain of ["Page", "Network", "Log", "Runtime"]) await call(`${domain}.enable`);
  await call("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: scale, mobile: width < 600 });
  const features = [{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }];
  await call("Emulation.setEmulatedMedia", { features });
  await call("Page.navigate", { url });
  await load;
  const bytes = ({ data }) => Buffer.from(data, "base64");
  return {
    requests,
    errors,
    evaluate: async (expression) => {
      const { result, exceptionDetails } = await call("Runtime.evaluate", { expression, returnByValue: true });
      if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
      return result.value;
    },
    screenshot: async (clip) =>
      bytes(
        await call("Page.captureScreenshot", {
          captureBeyondViewport: true,
          ...(clip && { clip: { ...clip, scale: 1 } }),
        }),
      ),
    emulatePrint: () => call("Emulation.setEmulatedMedia", { media: "print", features }),
    pdf: async () => bytes(await call("Page.printToPDF", { preferCSSPageSize: true, printBackground: true })),
    close: async () => {
      stop();
      await browser.send("Target.closeTarget", { targetId });
    },
  };
}
