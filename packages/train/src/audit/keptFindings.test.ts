import { existsSync, mkdtempSync, readdirSync, rmSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { decodeFrame } from "../data/dicom/codecs.ts";
import { CodecWorkers } from "../data/dicom/codecWorkers.ts";
import { cachedAudit } from "./cachedAudit.ts";
import { filmsAmong } from "./films.ts";
import { fingerprintsOf } from "./fingerprints.ts";
import { keptFindings } from "./keptFindings.ts";

const root = mkdtempSync(join(tmpdir(), "fracture-findings-"));
afterAll(() => rmSync(root, { recursive: true }));

let reason = "";
vi.mock("./fingerprints.ts", () => ({
  fingerprintsOf: vi.fn<typeof fingerprintsOf>(async (paths) => paths.map(() => ({ unreadable: reason }))),
}));

/** What is said of a file whose decoder is given up. */
async function givenUp(): Promise<string> {
  const decode = vi.spyOn(CodecWorkers.prototype, "decode").mockResolvedValue(null);
  const error: unknown = await decodeFrame("jpeg-2000", new Uint8Array(), 1).catch((thrown: unknown) => thrown);
  decode.mockRestore();
  return (error as Error).message;
}

const path = join(root, "a.dcm");
const audited = {
  root,
  classes: ["x", "y"],
  ignored: [],
  columns: null,
  patientsKnown: false,
  files: [{ path, name: "a.dcm", label: 0, split: null, patient: null }],
};

test.each([
  ["an audit", (cacheFolder: string) => cachedAudit(audited, { cacheFolder })],
  ["films", (cacheFolder: string) => filmsAmong([path], { cacheFolder })],
])(
  "%s without a picture whose decoder was given up, which a busy machine may have been the cause of, is not kept",
  async (name, find) => {
    const looks = vi.mocked(fingerprintsOf);
    for (const [why, times] of [
      [await givenUp(), 2],
      ["is an HTML page", 1],
    ] as const) {
      reason = why;
      looks.mockClear();
      const cacheFolder = join(root, `${name} ${times}`);
      expect(await find(cacheFolder)).toEqual(await find(cacheFolder));
      expect(looks, why).toHaveBeenCalledTimes(times);
    }
  },
);

test("of findings that take too much, those that were not used for longest go", async () => {
  const cacheFolder = join(root, "capped");
  const folder = join(cacheFolder, "audits");
  const find = (name: string) =>
    keptFindings(cacheFolder, { terms: [name], files: [] }, async () => name.repeat(100), { mostBytes: 250 });
  const written = async (name: string): Promise<string> => {
    const before = existsSync(folder) ? readdirSync(folder) : [];
    await find(name);
    const [added = ""] = readdirSync(folder).filter((file) => !before.includes(file));
    return join(folder, added);
  };
  const [a, b] = [await written("a"), await written("b")];
  utimesSync(a, 1000, 1000);
  utimesSync(b, 2000, 2000);
  expect(await find("a")).toBe("a".repeat(100)); // used last now
  const c = await written("c");
  expect([a, b, c].map((file) => existsSync(file))).toEqual([true, false, true]);
});
