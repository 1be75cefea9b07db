export { commandOf } from "./command.ts";
export { modelCardOf, type CardSection, type ModelCard } from "./modelCard.ts";
export { modelCardMarkdown } from "./modelCardMarkdown.ts";
export { readReport, type ReadReportOptions } from "./readReport.ts";
export type { Report } from "./report.ts";
export { reportHtml } from "./reportHtml.ts";
export { writeReport, type WriteReportOptions, type WrittenReport } from "./writeReport.ts";
