import { dirname, join } from "node:path";
import { refuseInside } from "../audit/writeAudit.ts";
import { writeFileAtomic } from "../run/atomic.ts";
import { makeFolder } from "../run/makeFolder.ts";
import { runPaths } from "../run/runFolder.ts";
import { modelCardOf } from "./modelCard.ts";
import { modelCardMarkdown } from "./modelCardMarkdown.ts";
import { readReport, type ReadReportOptions } from "./readReport.ts";
import type { Report } from "./report.ts";
import { reportHtml } from "./reportHtml.ts";

export interface WriteReportOptions extends ReadReportOptions {
  /** The HTML file; the model card lies beside it. Default: `report.html` where the figures are. */
  readonly out?: string;
}

export interface WrittenReport {
  readonly report: Report;
  readonly html: string;
  readonly modelCard: string;
}

/**
 * Makes `report.html` and `model-card.md` of a run folder, or of one that `eval --out` wrote.
 *
 * @returns the report, and the paths of both
 * @throws RunFolderError, InsideDataError for a file in the data folder, FileWriteError
 */
export async function writeReport(
  folder: string,
  { out, ...reading }: WriteReportOptions = {},
): Promise<WrittenReport> {
  const report = await readReport(folder, reading);
  const html = out ?? join(report.kind === "run" ? runPaths(folder).results : folder, "report.html");
  if (report.data !== null) await refuseInside(html, report.data);
  const modelCard = join(dirname(html), "model-card.md");
  await makeFolder(dirname(html));
  await writeFileAtomic(html, reportHtml(report));
  await writeFileAtomic(modelCard, modelCardMarkdown(modelCardOf(report), report));
  return { report, html, modelCard };
}
