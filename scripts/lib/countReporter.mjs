import { writeFileSync } from "node:fs";

/**
 * A vitest reporter that counts tests into the file FRACTURE_TEST_COUNTS. A test whose suite failed around it (no
 * adapter, say) never ran: vitest calls it skipped, and here it has failed.
 */
export default class CountReporter {
  onTestRunEnd(modules, errors) {
    const counts = { passed: 0, failed: errors.length, skipped: 0 };
    for (const module of modules) {
      if (module.errors().length > 0) counts.failed += 1; // it did not load
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === "passed") counts.passed += 1;
        else if (state === "failed" || brokeAround(test)) counts.failed += 1;
        else counts.skipped += 1;
      }
    }
    writeFileSync(process.env.FRACTURE_TEST_COUNTS, JSON.stringify(counts));
  }
}

function brokeAround(test) {
  for (let suite = test.parent; suite; suite = suite.parent) {
    if (suite.errors().length > 0) return true;
  }
  return false;
}
