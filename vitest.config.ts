import { defineConfig } from "vitest/config";

// Tests run the sources: the "source" condition of each package's exports points at src/.
export default defineConfig({
  resolve: { conditions: ["source"] },
  ssr: { resolve: { conditions: ["source"] } },
  test: {
    include: ["packages/*/src/**/*.test.ts", "examples/**/*.test.ts", "benchmarks/*.test.ts"],
    pool: "forks",
    testTimeout: 120_000,
  },
});
