import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { tool } from "./lib/install.mjs";
import { capture } from "./lib/run.mjs";
import { root } from "./lib/workspace.mjs";

const PACKAGES = ["kernels", "tensor", "resnet", "train", "cli"];
const folders = [];

afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

/** A checkout that holds these files and nothing else, under the real configuration. */
function plant(files) {
  const folder = mkdtempSync(join(tmpdir(), "fracture-checks-"));
  folders.push(folder);
  for (const name of [".oxlintrc.json", ".oxfmtrc.json", "tsconfig.base.json", "package.json"])
    cpSync(join(root, name), join(folder, name));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  for (const name of PACKAGES) {
    mkdirSync(join(folder, "packages", name, "src"), { recursive: true });
    writeFileSync(
      join(folder, "packages", name, "tsconfig.json"),
      readFileSync(join(root, "packages", name, "tsconfig.json")),
    );
  }
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

async function lint(files) {
  const { binaryArguments } = lintScript();
  const { stdout } = await capture(process.execPath, [...binaryArguments, "--format=json"], { cwd: plant(files) });
  return JSON.parse(stdout).diagnostics.map(({ code, filename, message, help }) => ({
    code,
    filename,
    message: `${message} ${help ?? ""}`,
  }));
}

// What `npm run check` runs, as package.json spells it.
function lintScript() {
  const [name, ...options] = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).scripts["check:lint"].split(
    " ",
  );
  return { binaryArguments: [tool(name, name), ...options] };
}

const importing = (specifier) => `import * as other from "${specifier}";\nexport const held = other;\n`;

describe("lint", () => {
  test("finds nothing in a clean checkout", async () => {
    const files = Object.fromEntries(
      PACKAGES.slice(1).map((name, i) => [`packages/${name}/src/a.ts`, importing(`@fracture/${PACKAGES[i]}`)]),
    );
    expect(await lint({ ...files, "packages/train/src/a.test.ts": importing("@fracture/tensor/testing") })).toEqual([]);
  });

  test("a floating promise is an error", async () => {
    const text = "export const work = async (): Promise<number> => 1;\nexport function start(): void {\n  work();\n}\n";
    expect(await lint({ "packages/tensor/src/a.ts": text })).toMatchObject([
      { code: "typescript(no-floating-promises)" },
    ]);
  });

  test("a cycle of imports is an error", async () => {
    const found = await lint({
      "packages/kernels/src/a.ts": 'import { b } from "./b.ts";\nexport const a = (): number => b();\n',
      "packages/kernels/src/b.ts": 'import { c } from "./c.ts";\nexport const b = (): number => c();\n',
      "packages/kernels/src/c.ts": 'import { a } from "./a.ts";\nexport const c = (): number => a();\n',
    });
    expect(found).toHaveLength(3);
    for (const { code } of found) expect(code).toBe("import(no-cycle)");
  });

  const against = PACKAGES.flatMap((from, i) => PACKAGES.slice(i).map((to) => [from, to]));
  test("an import against the packages' direction is an error, for every pair", async () => {
    const found = await lint(
      Object.fromEntries(against.map(([from, to]) => [`packages/${from}/src/${to}.ts`, importing(`@fracture/${to}`)])),
    );
    expect(found.map(({ filename }) => filename).sort()).toEqual(
      against.map(([from, to]) => `packages/${from}/src/${to}.ts`).sort(),
    );
    for (const { code, message } of found) {
      expect(code).toBe("eslint(no-restricted-imports)");
      expect(message).toContain("one direction: kernels <- tensor <- resnet <- train <- cli");
    }
  });

  test.each([
    ["packages/train/src/a.ts", "@fracture/tensor/src/shape.ts"],
    ["packages/train/src/a.ts", "@fracture/tensor/dist/shape.js"],
    ["packages/train/src/loop/a.ts", "../../../tensor/src/shape.ts"],
    ["benchmarks/a.ts", "../packages/tensor/src/shape.ts"],
    ["examples/a.ts", "@fracture/kernels"],
  ])("an import from the inside of a package is an error: %s of %s", async (file, specifier) => {
    expect(await lint({ [file]: importing(specifier) })).toMatchObject([{ code: "eslint(no-restricted-imports)" }]);
  });
});

describe("the other checks", () => {
  test("unformatted code fails the format check", async () => {
    const check = async (text) =>
      (
        await capture(process.execPath, [tool("oxfmt", "oxfmt"), "--check", "packages"], {
          cwd: plant({ "packages/cli/src/a.ts": text }),
        })
      ).code;
    expect(await check("export const a = 1;\n")).toBe(0);
    expect(await check("export const a = 1\n")).toBe(1);
  });

  test("a wrong type fails the type check", async () => {
    const compile = (text) =>
      capture(process.execPath, [tool("typescript", "tsc"), "-b", "packages/kernels"], {
        cwd: plant({ "packages/kernels/src/a.ts": text }),
      });
    expect((await compile("export const a: number = 1;\n")).code).toBe(0);
    const { code, stdout } = await compile("export const a: number[] = [1];\nexport const b: number = a[0];\n");
    expect(code).not.toBe(0);
    expect(stdout).toContain("Type 'number | undefined' is not assignable to type 'number'");
  });
});
