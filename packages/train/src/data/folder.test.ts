import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readDataFolder, type DataFolderOptions } from "./folder.ts";
import { DataFolderError } from "./folderError.ts";
import { compareCodePoints } from "./listing.ts";
import { nearestSpelling } from "./spelling.ts";
import { patientFromPattern } from "./split.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "fracture-folder-"));
});
afterEach(() => rmSync(root, { recursive: true }));

/** Makes files, and with a "/" at the end, folders. */
function make(...names: readonly string[]): void {
  for (const name of names) {
    mkdirSync(join(root, name.endsWith("/") ? name : dirname(name)), { recursive: true });
    if (!name.endsWith("/")) writeFileSync(join(root, name), "");
  }
}

const relative = (paths: readonly string[] | undefined): string[] | undefined =>
  paths?.map((path) => path.slice(root.length + 1));

const thrown = async (options?: DataFolderOptions, folder = root): Promise<DataFolderError> => {
  const error = await readDataFolder(folder, options).catch((reason: unknown) => reason);
  if (!(error instanceof DataFolderError)) throw new Error(`expected a DataFolderError, got ${String(error)}`);
  return error;
};

const CLASSES = ["fractured", "not fractured"];
const trees = (...splits: readonly string[]): string[] =>
  splits.flatMap((split) => CLASSES.map((name) => `${split}/${name}/a.png`));

describe("a folder with splits", () => {
  test("numbers classes in sorted order, and sorts files by class, then by name", async () => {
    make(
      "train/b/2.jpg",
      "train/b/10.jpg",
      "train/a/z.png",
      "train/B/x.jpeg",
      "val/a/1.png",
      "val/b/1.png",
      "val/B/1.png",
    );
    const { layout, classes, splits } = await readDataFolder(root);
    expect([layout, classes]).toEqual(["splits", ["B", "a", "b"]]);
    expect(relative(splits.train?.paths)).toEqual([
      "train/B/x.jpeg",
      "train/a/z.png",
      "train/b/10.jpg",
      "train/b/2.jpg",
    ]);
    expect(splits.train?.labels).toEqual([0, 1, 2, 2]);
    expect(splits.test).toBeNull();
  });

  test.each([
    ["training", "validation", "testing"],
    ["Train", "VALID", "Test"],
  ])("is known by %s, %s, %s", async (...names) => {
    make(...trees(...names));
    const { splits } = await readDataFolder(root, { need: ["train", "val", "test"] });
    expect([splits.train, splits.val, splits.test].map((split) => relative(split?.paths)?.[0])).toEqual(
      names.map((name) => `${name}/fractured/a.png`),
    );
  });

  test("takes pictures from folders below a class, in torchvision's order", async () => {
    make(...trees("train"), "train/fractured/p-2/b.png", "train/fractured/p/c.png", "train/fractured/p/q/d.png");
    // Sorted by folder as a whole string: "-" comes before "/".
    expect(relative((await readDataFolder(root)).splits.train?.paths)).toEqual([
      "train/fractured/a.png",
      "train/fractured/p/c.png",
      "train/fractured/p-2/b.png",
      "train/fractured/p/q/d.png",
      "train/not fractured/a.png",
    ]);
  });

  test("passes over what is hidden or no picture, and lists the latter", async () => {
    make(...trees("train"), "train/.DS_Store", "train/fractured/.a.png", "train/fractured/@eaDir/a.png", ".git/config");
    make("train/fractured/notes.txt", "train/fractured/Thumbs.db", "labels.csv", "masks/m.png", "train/loose.png");
    const { splits, ignored } = await readDataFolder(root);
    expect(splits.train?.paths.length).toBe(2);
    expect(ignored).toEqual(["labels.csv", "masks/", "train/loose.png", "train/fractured/notes.txt"]);
  });

  test("counts a file by its content where its name doesn't tell", async () => {
    make(...trees("train"));
    writeFileSync(join(root, "train/fractured/IM0001"), Buffer.from([0xff, 0xd8, 0xff, 0xe0]));
    writeFileSync(join(root, "train/fractured/IM0002"), "\0".repeat(128) + "DICM");
    expect(relative((await readDataFolder(root)).splits.train?.paths)?.slice(0, 2)).toEqual([
      "train/fractured/IM0001",
      "train/fractured/IM0002",
    ]);
  });

  test.skipIf(process.platform === "win32")(
    "follows links, but not in circles, and keeps broken ones to be reported",
    async () => {
      make(...trees("train"), "elsewhere/far/f.png");
      symlinkSync(join(root, "elsewhere/far"), join(root, "train/fractured/linked"));
      symlinkSync(join(root, "train"), join(root, "train/fractured/circle"));
      symlinkSync(join(root, "train/fractured"), join(root, "elsewhere/far/back"));
      symlinkSync(join(root, "nowhere"), join(root, "train/fractured/broken.png"));
      expect(relative((await readDataFolder(root)).splits.train?.paths)).toEqual([
        "train/fractured/a.png",
        "train/fractured/broken.png",
        "train/fractured/linked/f.png",
        "train/not fractured/a.png",
      ]);
    },
  );

  test("writes nothing", async () => {
    make(...trees("train", "val"));
    const before = readdirSync(root, { recursive: true });
    await readDataFolder(root);
    expect(readdirSync(root, { recursive: true })).toEqual(before);
  });
});

describe("faults", () => {
  test("the error shows what was expected, what was found, and the nearest spelling", async () => {
    make(...trees("trian", "val"), "readme.txt", "val/fractured/b.png");
    const error = await thrown();
    expect(error.message).toBe(
      [
        `${root}: trian is no name of a split`,
        'did you mean "train" by "trian"?',
        "expected:",
        "  train/<class>/<pictures>    the same classes, at least two, in every split",
        "  val/<class>/<pictures>      may be missing",
        "  test/<class>/<pictures>     may be missing",
        "or, to be split by seed:",
        "  <class>/<pictures>          at least two classes",
        "found:",
        "  trian/    2 folders",
        "    fractured/    1 file",
        "    not fractured/    1 file",
        "  val/    2 folders",
        "    fractured/    2 files",
        "    not fractured/    1 file",
        "  1 file",
      ].join("\n"),
    );
  });

  test("an empty class folder", async () => {
    make(...trees("train"), "test/fractured/a.png", "test/not fractured/");
    expect((await thrown()).problem).toBe("the class folder test/not fractured holds nothing");
    make("test/not fractured/list.txt");
    expect((await thrown()).problem).toBe(
      "the class folder test/not fractured holds only files that are no pictures, such as list.txt",
    );
  });

  test("splits with different classes", async () => {
    make(...trees("train"), "val/fractured/a.png", "val/Not_Fractured/a.png", "test/fractured/a.png");
    const error = await thrown();
    expect(error.problem).toBe(
      'the splits have different classes: train has no "Not_Fractured"; val has no "not fractured"; ' +
        'test has no "Not_Fractured", "not fractured"',
    );
    expect(error.message).toContain('did you mean "not fractured" by "Not_Fractured"');
  });

  test("all splits misspelt", async () => {
    make(...trees("trian", "tset"));
    expect((await thrown()).message).toContain('did you mean "train" by "trian"?');
  });

  test("a missing split that is needed, one split twice, one without classes, a single class", async () => {
    make(...trees("val"));
    expect((await thrown()).problem).toBe("there is no train folder");
    expect((await readDataFolder(root, { need: ["val"] })).splits.val?.labels).toEqual([0, 1]);
    make(...trees("train"));
    expect((await thrown({ need: ["train", "test"] })).problem).toBe("there is no test folder");
    make("test/loose.png");
    expect((await thrown()).problem).toBe("test has no class folders, only files");
    make(...trees("validation"));
    expect((await thrown()).problem).toBe("val and validation are both the val split");
    rmSync(root, { recursive: true });
    make("train/fractured/a.png");
    expect((await thrown()).problem).toBe('there is only one class, "fractured", and at least two are needed');
  });

  test("nothing, only files, or a folder around the right one", async () => {
    expect((await thrown()).problem).toBe("it has no folders");
    make("a.png");
    expect((await thrown()).problem).toBe("it has no folders, only files");
    make(...trees("data/train", "data/val"));
    expect((await thrown()).message).toContain(`did you mean ${join(root, "data")}, which holds train, val?`);
  });

  test("a missing folder, with the nearest one, and a file", async () => {
    make("xrays/", "file");
    const missing = await thrown({}, join(root, "x-rays"));
    expect(missing.problem).toBe("there is no such folder");
    expect(missing.message).toContain(`did you mean ${join(root, "xrays")}?`);
    expect((await thrown({}, join(root, "file"))).problem).toBe(
      "it is a file, not a folder, nor a .csv that lists pictures",
    );
  });

  test("a folder that can't be read", async () => {
    expect((await thrown({}, join(root, "x".repeat(300)))).problem).toContain("can't be read (ENAMETOOLONG");
  });
});

describe("a folder without splits", () => {
  const many = (name: string, count: number): string[] =>
    Array.from({ length: count }, (_, i) => `${name}/p${String(i >> 1).padStart(2, "0")}_${i % 2}.png`);

  test("is split by seed, stratified, each part in sorted order", async () => {
    make(...many("whole", 20), ...many("broken", 10));
    const { layout, classes, splits } = await readDataFolder(root, { seed: 3, need: ["train", "val", "test"] });
    expect([layout, classes]).toEqual(["classes", ["broken", "whole"]]);
    const found = [splits.train!, splits.val!, splits.test!];
    expect(found.map(({ labels }) => [0, 1].map((label) => labels.filter((l) => l === label).length))).toEqual([
      [8, 16],
      [1, 2],
      [1, 2],
    ]);
    for (const { paths } of found) expect(paths).toEqual(paths.toSorted(compareCodePoints));
    expect(new Set(found.flatMap(({ paths }) => paths)).size).toBe(30);
  });

  test("is split the same in another place", async () => {
    make(...many("whole", 20), ...many("broken", 10));
    const here = await readDataFolder(root);
    const other = root;
    root = mkdtempSync(join(tmpdir(), "fracture-elsewhere-"));
    make(...many("whole", 20).reverse(), ...many("broken", 10).reverse());
    const there = await readDataFolder(root);
    expect(relative(there.splits.val?.paths)).toEqual(
      here.splits.val?.paths.map((path) => path.slice(other.length + 1)),
    );
    rmSync(other, { recursive: true });
  });

  test("is split by patient where a pattern tells", async () => {
    make(...many("whole", 40), ...many("broken", 40));
    const patientOf = patientFromPattern("^(p\\d+)_");
    const { splits } = await readDataFolder(root, { patientOf });
    const patients = [splits.train!, splits.val!, splits.test!].map(
      ({ paths }) => new Set(paths.map((path) => /p\d+/.exec(path.slice(root.length))![0])),
    );
    const [train, val, test] = patients;
    expect(train!.size + val!.size + test!.size).toBe(20);
    expect(new Set(patients.flatMap((set) => [...set])).size).toBe(20);
    make("whole/scan.png");
    expect((await thrown({ patientOf })).problem).toBe("whose picture whole/scan.png is can't be told from its name");
  });

  test("fails where it can't be split as needed", async () => {
    make(...many("whole", 20), ...many("broken", 2));
    expect((await thrown()).problem).toBe('class "broken" has 2 pictures, too few to be split into train, val, test');
    expect((await thrown({ fractions: { train: 1, val: 0, test: 0 }, need: ["test"] })).problem).toBe(
      "the fractions leave nothing for test",
    );
  });
});

test("names are compared by code points, as Python does", () => {
  // U+FF5E and U+1F9B4: JavaScript's own order is the other way round.
  expect(["\u{1f9b4}", "\uff5e", "b", "B", "ab", "a"].toSorted(compareCodePoints)).toEqual([
    "B",
    "a",
    "ab",
    "b",
    "\uff5e",
    "\u{1f9b4}",
  ]);
});

test("the nearest spelling allows for slips, not for other words", () => {
  expect(nearestSpelling("trian", ["train", "test"])).toBe("train");
  expect(nearestSpelling("vlaidation", ["val", "validation"])).toBe("validation");
  expect(nearestSpelling("NOT-fractured", ["fractured", "not fractured"])).toBe("not fractured");
  expect(nearestSpelling("images", ["train", "val", "test"])).toBeNull();
  expect(nearestSpelling("whole", ["fractured"])).toBeNull();
});

const REAL = fileURLToPath(new URL("../../../../../shared/data/xrays", import.meta.url));

test.skipIf(!existsSync(REAL))(
  "finds the 1,696 real radiographs (skipped where ../shared/data is missing)",
  async () => {
    const { classes, splits, ignored } = await readDataFolder(REAL, { need: ["train", "val", "test"] });
    expect(classes).toEqual(["fractured", "not fractured"]);
    expect([splits.train, splits.val, splits.test].map((split) => split?.paths.length)).toEqual([1304, 194, 198]);
    expect(ignored).toEqual([]);
  },
);
