import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, extname, join, normalize } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { licenceIndex } from "./lib/portable/licences.mjs";
import { packageClosure } from "./lib/portable/packages.mjs";
import { root } from "./lib/workspace.mjs";

const folders = [];
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

function temporary() {
  folders.push(mkdtempSync(join(tmpdir(), "fracture-portable-test-")));
  return folders.at(-1);
}

/** A checkout with a package that needs `left`, which needs `right`, as pnpm lays them out. */
function plant({ install = ["left", "right"] } = {}) {
  const folder = temporary();
  const put = (path, text) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  const link = (target, path) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    symlinkSync(target, join(folder, path));
  };
  const store = (name) => `node_modules/.pnpm/${name}@1.0.0/node_modules`;
  put("packages/a/package.json", "{}");
  for (const name of install) {
    put(
      `${store(name)}/${name}/package.json`,
      JSON.stringify({
        name,
        version: "1.0.0",
        license: "MIT",
        dependencies: name === "left" ? { right: "1", "@types/x": "1" } : {},
        optionalDependencies: { "other-platform": "1" },
      }),
    );
    for (const file of ["index.js", "index.d.ts", "index.js.map", "README.md", "LICENSE.md"])
      put(`${store(name)}/${name}/${file}`, "");
  }
  link(`../../../${store("left")}/left`, "packages/a/node_modules/left");
  if (install.includes("right")) link("../../right@1.0.0/node_modules/right", `${store("left")}/right`);
  return folder;
}

const closureOf = (folder) => packageClosure(folder, [{ folder: "packages/a", names: ["left"] }]);

describe("the packages in the portable archive", () => {
  test("are those that ours need and all that these need, without types, maps and prose, with their licences", () => {
    const { files, links, packages } = closureOf(plant());
    const kept = ["LICENSE.md", "index.js", "package.json"];
    expect(files).toEqual(
      ["left", "right"].flatMap((name) =>
        kept.map((file) => `node_modules/.pnpm/${name}@1.0.0/node_modules/${name}/${file}`),
      ),
    );
    expect([...links]).toEqual([
      ["packages/a/node_modules/left", "../../../node_modules/.pnpm/left@1.0.0/node_modules/left"],
      ["node_modules/.pnpm/left@1.0.0/node_modules/right", "../../right@1.0.0/node_modules/right"],
    ]);
    const { index } = licenceIndex(packages, { node: "v20", debs: ["libvulkan1"] });
    expect(index).toContain("right 1.0.0: MIT. node_modules/.pnpm/right@1.0.0/node_modules/right/LICENSE.md\n");
  });

  test("must all be installed", () => {
    expect(() => closureOf(plant({ install: ["left"] }))).toThrow(
      "node_modules/.pnpm/left@1.0.0/node_modules/left needs right, which is not installed",
    );
  });

  test("are not taken from outside the checkout", () => {
    const folder = plant();
    rmSync(join(folder, "packages/a/node_modules/left"));
    symlinkSync(
      join(plant(), "node_modules/.pnpm/left@1.0.0/node_modules/left"),
      join(folder, "packages/a/node_modules/left"),
    );
    expect(() => closureOf(folder)).toThrow("packages/a/node_modules/left points out of the checkout");
  });
});

describe("our own files in the portable archive", async () => {
  const { ownContents } = await import("./lib/portable/contents.mjs");
  const files = ownContents(root);

  test("exist, and none of them is data, a result, a declaration, or a compiled test", () => {
    for (const source of files.values()) expect(existsSync(join(root, source)), source).toBe(true);
    expect(
      [...files.keys()].filter((path) =>
        /^(data|runs|docs|\.git)\/|results\/|\.d\.ts$|\.map$|\.test\.js$|node_modules/.test(path),
      ),
    ).toEqual([]);
  });

  test("import nothing that is left behind", () => {
    const lost = [];
    for (const [path, source] of files) {
      if (![".js", ".mjs", ".ts"].includes(extname(path))) continue;
      for (const [, specifier] of readFileSync(join(root, source), "utf8").matchAll(
        /^(?:import|export)\b[^;]*?\bfrom "(\.[^"]+)"|\bimport\("(\.[^"]+)"\)/gm,
      )) {
        if (specifier && !files.has(normalize(join(dirname(path), specifier))))
          lost.push(`${path} imports ${specifier}`);
      }
    }
    expect(lost).toEqual([]);
  });

  test("include launchers that are programs a POSIX shell can read", () => {
    for (const path of ["fracture", "fracture-tests", "fracture-bench", "bin/node"]) {
      const source = join(root, files.get(path));
      expect(statSync(source).mode & 0o111, path).toBe(0o111);
      expect(spawnSync("sh", ["-n", source], { encoding: "utf8" }).stderr).toBe("");
      const [, program] =
        /(?:\$\{self%\/\*\}\/)((?:packages|benchmarks)\/\S+\.m?js)/.exec(readFileSync(source, "utf8")) ?? [];
      if (path === "fracture" || path === "fracture-bench")
        expect(files.has(program), `${path} runs ${program}`).toBe(true);
    }
  });
});

describe("the archive's node", () => {
  /** Scripts in the place of node and of the archive's own linker tell how they were started. */
  function start({ env = {}, argv = [] } = {}) {
    const here = temporary();
    for (const folder of ["bin", "lib/c", "lib/missing/libsurely-not-here.so.9"])
      mkdirSync(join(here, folder), { recursive: true });
    copyFileSync(join(root, "scripts", "portable", "node"), join(here, "bin", "node"));
    for (const path of ["lib/c/ld-linux-x86-64.so.2", "lib/node"]) {
      writeFileSync(join(here, path), '#!/bin/sh\necho "$0 $*"\nenv\n');
      chmodSync(join(here, path), 0o755);
    }
    const { stdout } = spawnSync(join(here, "bin", "node"), argv, {
      env: { PATH: process.env.PATH, ...env },
      encoding: "utf8",
    });
    const [started, ...lines] = stdout.replaceAll(here, "HERE").trim().split("\n");
    return {
      started,
      env: Object.fromEntries(
        lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
      ),
    };
  }

  test("brings its own C library where the host's can't load what it needs, and what it starts will do the same", () => {
    const { started, env } = start({ argv: ["main.js", "two words"] });
    expect(started).toMatch(
      /^HERE\/lib\/c\/ld-linux-x86-64\.so\.2 --argv0 node --library-path \S+:HERE\/lib\/c\+\+:HERE\/lib\/c HERE\/lib\/node --require HERE\/lib\/execPath\.cjs main\.js two words$/,
    );
    expect(env).toMatchObject({ FRACTURE_LIBC: "own", FRACTURE_DEVICE: "system", FRACTURE_NO_BUILD: "1" });
  });

  test("lends libraries that the host lacks, after those that the user names, and tells the user's own to what it starts", () => {
    const { env } = start({ env: { LD_LIBRARY_PATH: "/opt/mine" } });
    expect(env.LD_LIBRARY_PATH).toMatch(
      /^\/opt\/mine:(.*:)?HERE\/lib\/vulkan:.*HERE\/lib\/missing\/libsurely-not-here\.so\.9/,
    );
    expect(env.FRACTURE_HOST_LIBRARY_PATH).toBe("/opt/mine");
  });

  test("leaves the driver to a user who names one", () => {
    expect(start({ env: { VK_DRIVER_FILES: "/opt/lvp.json" } }).env.VK_DRIVER_FILES).toBe("/opt/lvp.json");
  });
});
