import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { AdapterInfo } from "@fracture/tensor";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../testing/temporaryFolder.ts";
import { VERSION } from "../version.ts";
import { readTuned, tunedContent, tunedPath } from "./cacheFile.ts";
import { describeTuning, loadTuning } from "./tuning.ts";

const INFO: AdapterInfo = {
  vendor: "acme",
  architecture: "fast",
  device: "Acme 9000",
  description: "Acme: 1.2.3",
  backend: "vulkan",
  software: false,
};
const NOW = new Date("2026-01-02T03:04:05.000Z");
const KNOWN = [
  { name: "Acme's", is: ({ vendor }: AdapterInfo) => vendor === "acme", choices: { a: "shipped", b: "shipped" } },
];

/** A cache folder with this file for INFO. */
function cache(content: string | null) {
  const folder = temporaryFolder();
  const environment = { FRACTURE_CACHE: folder.path };
  const path = tunedPath(INFO, environment);
  if (content !== null) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
  return { path, environment, [Symbol.dispose]: () => folder[Symbol.dispose]() };
}

describe("measured choices", () => {
  it("lie in the user's cache, in a file of their own for each adapter, driver and backend", () => {
    const path = (info: Partial<AdapterInfo>) => tunedPath({ ...INFO, ...info }, { FRACTURE_CACHE: "/c" });
    expect(dirname(path({}))).toBe(join("/c", "tuning"));
    const others = [
      path({}),
      path({ device: "Acme 8000" }),
      path({ description: "Acme: 1.2.4" }),
      path({ backend: "metal" }),
    ];
    expect(new Set(others).size).toBe(4);
  });

  it("are read as they were written", async () => {
    using file = cache(tunedContent(INFO, { key: "tiled64" }, NOW));
    expect(await readTuned(file.path, INFO)).toEqual({ tuned: NOW.toISOString(), choices: { key: "tiled64" } });
  });

  it("go before those that ship, product by product", async () => {
    using file = cache(tunedContent(INFO, { b: "measured", c: "measured" }, NOW));
    const tuning = await loadTuning(INFO, file.environment, KNOWN);
    expect(tuning.choices).toEqual({ a: "shipped", b: "measured", c: "measured" });
    expect(describeTuning(tuning)).toBe(
      `2 products measured here on 2026-01-02 (${file.path}), then 2 products of the table for Acme's`,
    );
  });

  it("are none for a device that nobody measured, or where the user wants none", async () => {
    using file = cache(null);
    const none = await loadTuning(INFO, file.environment, []);
    expect([none.choices, none.unusable, describeTuning(none)]).toEqual([
      {},
      null,
      "by rule (fracture bench tune measures)",
    ]);
    const off = await loadTuning(INFO, { ...file.environment, FRACTURE_TUNING: "off" }, KNOWN);
    expect([off.choices, describeTuning(off)]).toEqual([{}, "by rule, since FRACTURE_TUNING is off"]);
  });

  const good = tunedContent(INFO, { key: "tiled64" }, NOW);
  const other = (change: (file: { for: Record<string, string>; choices: Record<string, unknown> }) => void) => {
    const file = JSON.parse(good);
    change(file);
    return JSON.stringify(file);
  };
  it.each([
    ["cut off", good.slice(0, 40), "it is not JSON"],
    ["empty", "", "it is not JSON"],
    ["of another program", '{"name": "x"}', "format: Invalid input: expected 1"],
    [
      "of another driver",
      other((file) => (file.for["driver"] = "Acme: 1.2.2")),
      `it is for Acme 9000 (Acme: 1.2.2), version ${VERSION}`,
    ],
    ["of another version", other((file) => (file.for["version"] = "0.0.1")), "version 0.0.1"],
    [
      "with numbers for names",
      other((file) => (file.choices["key"] = 3)),
      "choices.key: Invalid input: expected string, received number",
    ],
    ["huge", `"${"x".repeat(2 ** 20)}"`, "it has 1048578 bytes, more than 1048576"],
  ])("a file that is %s is left out, and that is said", async (_, content, reason) => {
    using file = cache(content);
    const tuning = await loadTuning(INFO, file.environment, KNOWN);
    expect(tuning.choices).toEqual(KNOWN[0]!.choices);
    expect(tuning.unusable).toContain(`${file.path}: `);
    expect(tuning.unusable).toContain(reason);
    expect(describeTuning(tuning)).toContain(reason);
  });

  it("a folder in the file's place is left out too", async () => {
    using file = cache(null);
    mkdirSync(file.path, { recursive: true });
    expect(await readTuned(file.path, INFO)).toEqual({ unusable: expect.stringContaining("EISDIR") });
  });
});
