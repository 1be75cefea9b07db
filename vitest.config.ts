import { defineConfig } from "vitest/config";

// Tests run the sources: the "source" condition of each package's exports points at src/.
export default defineConfig({
  resolve: { conditions: ["source"] },
  ssr: { resolve: { conditions: ["source"] } },
  test: {
    include: [
      "packages/*/src/**/*.test.ts",
      "examples/**/*.test.ts",
      "benchmarks/*.test.ts",
      "scripts/**/*.test.{ts,mjs}",
    ],
    pool: "forks",
    // A software device computes on every core, so more files at once would only compete; two keep the cores busy
    // while one of them compiles pipelines or decodes images.
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
