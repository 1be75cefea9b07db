import type { Subgroups } from "@fracture/train";
import { expect, it } from "vitest";
import { formatSubgroups } from "./subgroups.ts";

const row = { column: "sex", samples: 40, units: 30, perClass: [20, 20], tooFew: false };
const found: Subgroups = {
  split: "test",
  rows: [
    {
      ...row,
      value: "f",
      figures: { accuracy: { value: 0.8, interval: [0.65, 0.9] }, AUC: { value: null, interval: null } },
    },
    { ...row, value: "m\u001b", samples: 9, tooFew: true, figures: {} },
  ],
  leftOut: [{ column: "study", why: "has 60 values" }],
};

it("figures by a column's values are a table; too few pictures are said to be that", () => {
  expect(formatSubgroups(found).split("\n")).toEqual([
    "",
    "test, by  value    pictures  accuracy                AUC",
    "sex       f              40  0.800 (0.650 to 0.900)  undefined",
    "sex       m\\u{1b}         9                                     too few to say",
    "Columns left out: study (has 60 values).",
    "",
  ]);
  expect(formatSubgroups({ ...found, rows: found.rows.slice(1), leftOut: [] })).toContain("9  too few to say\n");
  expect(formatSubgroups(null)).toBe("");
});
