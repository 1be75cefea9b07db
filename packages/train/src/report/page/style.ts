import { RESEARCH_USE } from "../../notice.ts";

/**
 * The report's style. Phones first; two columns where there is room; A4 in print. Colours are few, never the only sign of anything, and
 * of a contrast of 4.5 or more to what they lie on, in the light and in the dark.
 */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #ffffff; --panel: #f5f7f9; --ink: #1b1f24; --muted: #59636e; --rule: #d5dbe1;
  --accent: #00558c; --heat: #0072b2; --warn: #fff4d6; --warn-edge: #9a6700;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #14171a; --panel: #1d2126; --ink: #e6e9ec; --muted: #a3adb7; --rule: #353c44;
    --accent: #7cc4f5; --heat: #2f8fcb; --warn: #33290d; --warn-edge: #d9a520;
  }
  svg.plot rect[fill="#ffffff"], svg.plot circle[fill="#ffffff"] { fill: var(--page); }
  svg.plot [fill="#222222"] { fill: #e6e9ec; }
  svg.plot [fill="#5a5a5a"] { fill: #a3adb7; }
  svg.plot [fill="#f5f5f5"] { fill: #1f2429; }
  svg.plot [fill="#b8b8b8"] { fill: #5f6973; }
  svg.plot [stroke="#5a5a5a"] { stroke: #98a2ac; }
  svg.plot [stroke="#e4e4e4"] { stroke: #2d343b; }
  svg.plot [stroke="#ffffff"] { stroke: var(--page); }
  svg.plot [stroke="#000000"] { stroke: #f2f4f6; }
  svg.plot [stroke="#b8b8b8"] { stroke: #5f6973; }
  svg.plot [stroke="#0072b2"] { stroke: #4fb0ea; }
  svg.plot [fill="#0072b2"] { fill: #4fb0ea; }
  svg.plot [stroke="#d55e00"] { stroke: #ff8f47; }
  svg.plot [fill="#d55e00"] { fill: #ff8f47; }
  svg.plot [stroke="#009e73"] { stroke: #2fcf9f; }
  svg.plot [stroke="#cc79a7"] { stroke: #eba2ca; }
  svg.plot [stroke="#6b6b6b"] { stroke: #b4b4b4; }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif;
  font-variant-numeric: tabular-nums;
}
.sheet { max-width: 68rem; margin: 0 auto; padding: 1rem; }
h1, h2, h3, h4 { line-height: 1.25; overflow-wrap: anywhere; text-wrap: balance; }
h1 { font-size: 1.7rem; margin: 0 0 .25rem; }
h2 { font-size: 1.35rem; margin: 2.75rem 0 .75rem; padding-top: .5rem; border-top: 2px solid var(--ink); }
h3 { font-size: 1.08rem; margin: 1.75rem 0 .5rem; }
h4 { font-size: 1rem; margin: 1.25rem 0 .25rem; }
p, ul, ol, dl { margin: .5rem 0 .75rem; max-width: 44rem; overflow-wrap: anywhere; }
ul, ol { padding-left: 1.25rem; }
li { margin: .2rem 0; }
a { color: var(--accent); }
a:focus-visible, summary:focus-visible, .scroll:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
code, pre { font: .875em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; background: var(--panel); border: 1px solid var(--rule); border-radius: 6px; padding: .6rem .75rem; margin: .5rem 0 1rem; }
.skip { position: absolute; left: -100vw; }
.skip:focus { left: .5rem; top: .5rem; background: var(--page); padding: .5rem; }
.muted { color: var(--muted); }
.small { font-size: .875rem; }
.device { margin: .75rem 0 0; padding: .5rem .75rem; border: 2px solid var(--ink); border-radius: 6px; max-width: none; }
.question { font-size: 1.1rem; max-width: 48rem; }
nav ol { columns: 2; column-gap: 2rem; max-width: 40rem; }
.box { border: 1px solid var(--rule); border-left: 6px solid var(--rule); border-radius: 6px; background: var(--panel); padding: .6rem .9rem; margin: 1rem 0; }
.box > :first-child { margin-top: 0; }
.box > :last-child { margin-bottom: 0; }
.box.warning { background: var(--warn); border-color: var(--warn-edge); }
.box p, .box ul { max-width: none; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .6rem; margin: 1rem 0; padding: 0; list-style: none; max-width: none; }
.tile { border: 1px solid var(--rule); border-radius: 6px; padding: .6rem .75rem; margin: 0; }
.tile b { display: block; font-size: 1.75rem; line-height: 1.2; font-weight: 650; }
.tile span { display: block; font-size: .875rem; }
.tile .interval { font-style: normal; }
.bar { position: relative; height: 6px; margin: .45rem 0 .1rem; border-radius: 3px; background: var(--rule); }
.bar i { position: absolute; top: 0; bottom: 0; left: calc(var(--low) * 100%); right: calc(100% - var(--high) * 100%); border-radius: 3px; background: var(--heat); opacity: .55; }
.bar u { position: absolute; top: -3px; height: 12px; width: 3px; margin-left: -1.5px; text-decoration: none; left: calc(var(--at) * 100%); background: var(--ink); }
.scroll {
  overflow-x: auto; margin: .5rem 0 1rem;
  background:
    linear-gradient(90deg, var(--page) 40%, transparent) 0 0 / 2rem 100% no-repeat local,
    linear-gradient(270deg, var(--page) 40%, transparent) 100% 0 / 2rem 100% no-repeat local,
    linear-gradient(90deg, rgb(0 0 0 / .28), transparent) 0 0 / .5rem 100% no-repeat scroll,
    linear-gradient(270deg, rgb(0 0 0 / .28), transparent) 100% 0 / .5rem 100% no-repeat scroll;
}
.box .scroll { background: none; }
table { border-collapse: collapse; font-size: .9rem; }
caption { text-align: left; font-weight: 600; padding: 0 0 .35rem; }
.scroll caption span { display: inline-block; position: sticky; left: 0; max-width: min(100%, calc(100vw - 2rem)); }
.figures tbody th { white-space: nowrap; }
.interval { white-space: nowrap; display: inline-block; color: var(--muted); }
th, td { text-align: left; vertical-align: top; padding: .3rem .75rem .3rem 0; border-bottom: 1px solid var(--rule); }
thead th { border-bottom: 2px solid var(--rule); vertical-align: bottom; font-weight: 600; }
tbody th { font-weight: 500; }
.end { text-align: right; }
td.end, th.end { padding-left: .5rem; padding-right: .75rem; }
td, th { overflow-wrap: break-word; }
td b { font-weight: 600; }
.facts th { width: 11rem; color: var(--muted); font-weight: 500; }
.facts { width: 100%; max-width: 48rem; }
.matrix td { text-align: center; min-width: 4.25rem; padding: .6rem .4rem; border: 2px solid var(--page); background: color-mix(in srgb, var(--heat) calc(var(--share) * 50%), var(--panel)); }
.matrix td b { display: block; font-size: 1.15rem; font-weight: 650; }
.matrix td.right { box-shadow: inset 0 0 0 2px var(--ink); }
.matrix thead th { text-align: center; padding-right: .4rem; max-width: 9rem; }
.matrix tbody th { padding-right: .6rem; max-width: 9rem; }
.figures { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1.5rem; }
figure { margin: 1rem 0; min-width: 0; }
figcaption { margin-bottom: .5rem; max-width: 44rem; }
figcaption b { display: block; }
svg.plot { display: block; width: 100%; max-width: 30rem; height: auto; }
img { max-width: 100%; height: auto; }
.drawn img { background: #fff; border: 1px solid var(--rule); border-radius: 6px; }
details { margin: .5rem 0; }
summary { cursor: pointer; color: var(--accent); padding: .35rem 0; }
.pictures .related { color: var(--muted); font-style: italic; }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(8.5rem, 1fr)); gap: 1rem .75rem; padding: 0; margin: 1rem 0; list-style: none; max-width: none; }
.pictures > li { margin: 0; min-width: 0; }
.pictures figure { margin: 0; }
.pictures .frame { background: #000; border-radius: 6px; overflow: hidden; aspect-ratio: 1; display: flex; align-items: center; justify-content: center; }
.pictures .frame img { width: 100%; height: 100%; object-fit: contain; display: block; }
.pictures .none { background: var(--panel); color: var(--muted); font-size: .85rem; text-align: center; padding: .5rem; border: 1px dashed var(--rule); }
.pictures figcaption { font-size: .82rem; line-height: 1.4; margin: .35rem 0 0; overflow-wrap: anywhere; }
.pictures figcaption span { display: block; }
.list { width: 100%; }
.list td:first-child, .list th:first-child { min-width: 2.2rem; width: 2.6rem; white-space: nowrap; }
.list td { min-width: 7rem; }
.open { color: var(--muted); font-style: italic; }
footer { margin: 3rem 0 1rem; padding-top: .75rem; border-top: 1px solid var(--rule); font-size: .875rem; color: var(--muted); }
@media (min-width: 56rem) {
  .sheet { padding: 2rem; }
  .figures { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 1.5rem 3rem; }
  .pictures { grid-template-columns: repeat(auto-fill, minmax(10.5rem, 1fr)); }
  .wide-apart { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 0 3rem; }
}
@media (max-width: 30rem) {
  h1 { font-size: 1.4rem; }
  nav ol { columns: 1; }
  .tile b { font-size: 1.5rem; }
  .tiles { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .facts th { width: 7.5rem; }
  table { font-size: .82rem; }
  th, td { padding-right: .5rem; }
  td.end, th.end { padding-left: .25rem; padding-right: .5rem; }
  .interval { font-size: .75rem; }
  .pictures { grid-template-columns: repeat(2, minmax(0, 1fr)); }
}
@page { size: A4; margin: 16mm 15mm 18mm;
  @bottom-left { content: "${RESEARCH_USE}"; font: 8pt sans-serif; color: #555; }
  @bottom-right { content: counter(page) " / " counter(pages); font: 8pt sans-serif; color: #555; }
}
@media print {
  body { font-size: 10pt; }
  .sheet { max-width: none; padding: 0; }
  h2 { margin-top: 1.25rem; }
  #data, #figures, #pictures, #card, #checklists { break-before: page; }
  nav { display: none; }
  h2, h3, h4, caption, summary, figcaption { break-after: avoid; }
  .skip { display: none; }
  figure, tr, .box, .tile, .pictures > li { break-inside: avoid; }
  thead { display: table-header-group; }
  .figures, .wide-apart { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 6mm; }
  .figures table { font-size: 7pt; width: 100%; }
  .figures th, .figures td, .figures td.end, .figures th.end { padding: .08rem .3rem .08rem 0; }
  .wide-apart .facts th { width: 6.5rem; }
  .wide-apart figure table { font-size: 6pt; }
  .wide-apart figure th, .wide-apart figure td { padding: .08rem .25rem .08rem 0; }
  svg.plot { max-width: 82mm; }
  .tiles { grid-template-columns: repeat(4, minmax(0, 1fr)); }
  .pictures { grid-template-columns: repeat(4, minmax(0, 1fr)); }
  .scroll { overflow: visible; background: none; }
  table { font-size: 8.5pt; }
  a { color: inherit; text-decoration: none; }
  summary { color: inherit; list-style: none; font-weight: 600; }
  details::details-content { content-visibility: visible; display: block; height: auto; }
  .bar i, .bar u, .matrix td, .box, .pictures .frame { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;
