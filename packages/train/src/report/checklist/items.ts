/** An item of a reporting guideline, in our own words. */
export interface ChecklistItem {
  readonly number: string;
  readonly part: string;
  readonly asks: string;
}

const part = (name: string, items: readonly (readonly [number: string, asks: string])[]): ChecklistItem[] =>
  items.map(([number, asks]) => ({ number, part: name, asks }));

/** The Checklist for Artificial Intelligence in Medical Imaging, 2024 update (Tejani et al. 2024, doi:10.1148/ryai.240300): 44 items. */
export const CLAIM: readonly ChecklistItem[] = [
  ...part("Title and abstract", [
    ["1", "Says that it is a study of AI, and of which kind"],
    ["2", "Sums up design, methods, results and conclusions"],
  ]),
  ...part("Introduction", [
    ["3", "Background, and the role that the model is meant for"],
    ["4", "Aims and hypotheses"],
  ]),
  ...part("Methods: design", [
    ["5", "Prospective or retrospective"],
    ["6", "Goal of the study"],
  ]),
  ...part("Methods: data", [
    ["7", "Where the data come from"],
    ["8", "Who and what was included and excluded"],
    ["9", "Preprocessing"],
    ["10", "How subsets of the data were chosen"],
    ["11", "How patients’ identities were removed"],
    ["12", "How missing data were handled"],
    ["13", "How images were acquired"],
  ]),
  ...part("Methods: reference standard", [
    ["14", "How the reference standard was obtained"],
    ["15", "Why that reference standard"],
    ["16", "Who annotated"],
    ["17", "How the test set was annotated"],
    ["18", "How far annotators agree, with others and with themselves"],
  ]),
  ...part("Methods: partitions and sample", [
    ["19", "How data were assigned to partitions"],
    ["20", "At which level partitions are disjoint"],
    ["21", "Size of the test set that was intended"],
  ]),
  ...part("Methods: model and training", [
    ["22", "The model in detail"],
    ["23", "Software and its versions"],
    ["24", "How parameters were initialised"],
    ["25", "How it was trained"],
    ["26", "How the final model was selected"],
    ["27", "Ensembles"],
  ]),
  ...part("Methods: evaluation", [
    ["28", "Measures of performance"],
    ["29", "Measures of significance and uncertainty"],
    ["30", "Robustness, sensitivity to assumptions"],
    ["31", "How decisions are explained"],
    ["32", "Evaluation on internal data"],
    ["33", "Testing on external data"],
    ["34", "Registration as a clinical trial"],
  ]),
  ...part("Results", [
    ["35", "How many patients or examinations were included and excluded"],
    ["36", "Demographic and clinical features of each partition"],
    ["37", "Performance with uncertainty"],
    ["38", "Diagnostic accuracy with its precision"],
    ["39", "Analysis of failures"],
  ]),
  ...part("Discussion", [
    ["40", "Limitations"],
    ["41", "What it means for practice"],
  ]),
  ...part("Other", [
    ["42", "Where the whole protocol and technical details are"],
    ["43", "Whether software, model and data can be had"],
    ["44", "Funding, and the funders’ part"],
  ]),
];

/** Standards for Reporting of Diagnostic Accuracy Studies (Bossuyt et al. 2015, doi:10.1136/bmj.h5527): 30 items, four of them in two parts. */
export const STARD: readonly ChecklistItem[] = [
  ...part("Title and abstract", [
    ["1", "Says that it is a study of diagnostic accuracy, by at least one measure of it"],
    ["2", "Structured summary"],
  ]),
  ...part("Introduction", [
    ["3", "Background, intended use and clinical role of the index test"],
    ["4", "Objectives and hypotheses"],
  ]),
  ...part("Methods", [
    ["5", "Whether data were collected before or after tests were planned"],
    ["6", "Eligibility"],
    ["7", "On what basis participants were found"],
    ["8", "Where and when"],
    ["9", "Consecutive, random or convenience series"],
    ["10a", "Index test, so that it can be repeated"],
    ["10b", "Reference standard, so that it can be repeated"],
    ["11", "Why that reference standard"],
    ["12a", "Cut-offs of the index test, set beforehand or explored"],
    ["12b", "Cut-offs of the reference standard, set beforehand or explored"],
    ["13a", "What readers of the index test knew"],
    ["13b", "What assessors of the reference standard knew"],
    ["14", "How accuracy was estimated or compared"],
    ["15", "How indeterminate results were handled"],
    ["16", "How missing data were handled"],
    ["17", "How variability was analysed, set beforehand or explored"],
    ["18", "Sample size that was intended, and why"],
  ]),
  ...part("Results", [
    ["19", "Flow of participants, as a diagram"],
    ["20", "Demographic and clinical features at baseline"],
    ["21a", "How severe the condition was in those who had it"],
    ["21b", "Other diagnoses in those who did not have it"],
    ["22", "Time and treatment between the two tests"],
    ["23", "Index test by reference standard, as a table"],
    ["24", "Accuracy with its precision, such as 95% intervals"],
    ["25", "Harm done by the tests"],
  ]),
  ...part("Discussion", [
    ["26", "Limitations, bias, uncertainty, how far it generalises"],
    ["27", "What it means for practice"],
  ]),
  ...part("Other", [
    ["28", "Registration"],
    ["29", "Where the protocol is"],
    ["30", "Funding, and the funders’ part"],
  ]),
];
