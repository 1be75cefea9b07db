import { count, fixed, percent, plural, range, short } from "../format.ts";
import { leakSentence } from "../findings.ts";
import { splitSizes } from "../facts.ts";
import { drawn } from "../page/drawn.ts";
import { html, type Html, type HtmlValue } from "../page/html.ts";
import { name, table } from "../page/table.ts";
import type { Report } from "../report.ts";
import type { ReportAudit } from "../schema.ts";

/** Of a longer list: data-check.json has all of it. */
const MOST = 20;

/** Splits, classes, copies, contradictions, patients, shortcuts, and what could not be used. */
export function dataSection(report: Report): HtmlValue {
  const { audit, dataPlots } = report;
  const plots = dataPlots.map(drawn);
  if (!audit) return [withoutAudit(report), plots];
  return [
    splits(audit),
    copies(audit),
    contradictions(audit),
    patients(audit),
    shortcuts(audit),
    aside(audit),
    plots.length > 0
      ? html`<h3>What the data check drew</h3>
          <div class="figures">${plots}</div>`
      : null,
  ];
}

function withoutAudit(report: Report): Html {
  const sizes = [...splitSizes(report)];
  return html`<p>No data check was kept with this folder. What is known of its images are their numbers:</p>
    <ul>
      ${sizes.map(([split, n]) => html`<li>${split}: ${plural(n, "image")}</li>`)}
    </ul> `;
}

function splits({ summary, pictures }: ReportAudit): HtmlValue {
  const middle = (values: readonly number[]): string =>
    `${short(values[2]!)} (${short(values[0]!)} to ${short(values[4]!)})`;
  return [
    html`<p>${plural(pictures, "image")} can be read. Every one was compared with every other before training.</p> `,
    table({
      caption: "Images by split and class: how many, and the median (least to greatest) of what they are like",
      columns: [
        { title: "Split" },
        { title: "Class" },
        { title: "Images", end: true },
        { title: "Share", end: true },
        { title: "Width, pixels" },
        { title: "Height, pixels" },
        { title: "Mean level, 0 to 255" },
      ],
      rows: summary.map((row) => [
        row.split ?? "all",
        name(row.class),
        count(row.pictures),
        percent(row.share),
        middle(row.width),
        middle(row.height),
        middle(row.brightness.map(Math.round)),
      ]),
    }),
  ];
}

function copies({ leaks }: ReportAudit): HtmlValue {
  const found = leaks.filter(({ copies: n }) => n > 0);
  if (leaks.length === 0) return null;
  if (found.length === 0)
    return html`<h3>Copies across splits</h3>
      <p>
        None was found: neither equal files nor equal pixels, nor one film turned by right angles, mirrored, resized,
        recompressed or brightened. A film that was cropped or shifted may be missed.
      </p> `;
  return [
    html`<h3>Copies across splits</h3>
      <ul>
        ${found.map((leak) => html`<li>${leakSentence(leak)}</li> `)}
      </ul> `,
    found.map(({ split, of, pairs }) =>
      more(`Which ${split} images are copies of images of ${of}`, pairs, (rows, caption) =>
        table({
          caption,
          columns: [{ title: "Image" }, { title: "Copy of" }, { title: "Kind" }, { title: "Similarity", end: true }],
          rows: rows.map(({ a, b, kind, how, similarity }) => [
            name(a),
            name(b),
            KINDS[kind] === undefined ? kind : `${KINDS[kind]}${how ? `, ${how}` : ""}`,
            fixed(similarity),
          ]),
        }),
      ),
    ),
  ];
}

const KINDS: Readonly<Record<string, string>> = {
  file: "the same file",
  pixels: "the same pixels",
  near: "the same film",
};

function contradictions({ contradictions: pairs }: ReportAudit): HtmlValue {
  if (pairs.length === 0) return null;
  return [
    html`<h3>Contradicting labels</h3>
      <p>${plural(pairs.length, "pair")} of images show one film and have different labels.</p> `,
    more("Which images contradict each other", pairs, (rows, caption) =>
      table({
        caption,
        columns: [{ title: "Image" }, { title: "Label" }, { title: "Copy" }, { title: "Label" }],
        rows: rows.map(({ a, classA, b, classB }) => [name(a), name(classA), name(b), name(classB)]),
      }),
    ),
  ];
}

function patients({ patients: found }: ReportAudit): HtmlValue {
  if (!found)
    return html`<h3>Patients</h3>
      <p>Nothing says whose images they are, so whether a patient is in two splits is not known.</p> `;
  const unknown = found.unknown > 0 ? ` Of ${plural(found.unknown, "image")} the patient is not known.` : "";
  if (found.split.length === 0)
    return html`<h3>Patients</h3>
      <p>No patient has images in more than one split.${unknown}</p> `;
  return [
    html`<h3>Patients</h3>
      <p>${plural(found.split.length, "patient")} with images in more than one split.${unknown}</p> `,
    more("Which patients", found.split, (rows, caption) =>
      table({
        caption,
        columns: [{ title: "Patient" }, ...["train", "val", "test"].map((title) => ({ title, end: true }))],
        rows: rows.map(({ patient, pictures }) => [
          name(patient),
          ...["train", "val", "test"].map((split) => count(pictures[split] ?? 0)),
        ]),
      }),
    ),
  ];
}

function shortcuts({ shortcuts: found }: ReportAudit): HtmlValue {
  if (found.length === 0) return null;
  return [
    html`<h3>Shortcuts</h3>
      <p>
        How well each of these alone tells the class. None of them is bone: where one tells much, a network may learn it
        instead. 0.5 is chance.
      </p> `,
    table({
      caption: "Area under the ROC curve of properties that are no bone",
      columns: [
        { title: "Property" },
        { title: "Class that it tells" },
        { title: "AUC", end: true },
        { title: "95% interval", end: true },
        { title: "Judgement" },
      ],
      rows: found.map(({ from, class: of, auc, interval, larger, suspicious }) => [
        from,
        auc === null
          ? "the same in every image"
          : [name(of), larger === null ? "" : larger ? ", if larger" : ", if smaller"],
        auc === null ? "" : fixed(auc),
        auc === null ? "" : range(interval),
        auc === null ? "" : suspicious ? html`<strong>suspicious</strong>` : "nothing remarkable",
      ]),
    }),
  ];
}

function aside({ unreadable, odd, ignored }: ReportAudit): HtmlValue {
  const lists: HtmlValue[] = [];
  if (unreadable.length > 0)
    lists.push(
      more("Images that can’t be read", unreadable, (rows, caption) =>
        table({
          caption,
          columns: [{ title: "Image" }, { title: "Why" }],
          rows: rows.map(({ path, reason }) => [name(path), reason]),
        }),
      ),
    );
  if (odd.length > 0)
    lists.push(
      more("Odd images", odd, (rows, caption) =>
        table({
          caption,
          columns: [{ title: "Image" }, { title: "What is odd" }],
          rows: rows.map(({ path, what }) => [name(path), what]),
        }),
      ),
    );
  if (ignored.length > 0)
    lists.push(
      html`<p>
        ${plural(ignored.length, "file")} in the folder
        ${ignored.length === 1 ? "is no image, or is" : "are no images, or are"} in no class, and
        ${ignored.length === 1 ? "was" : "were"} left alone.
      </p> `,
    );
  return lists.length === 0 ? null : [html`<h3>Set aside</h3> `, lists];
}

/** A list that opens, of which the beginning is shown. */
function more<T>(title: string, items: readonly T[], draw: (rows: readonly T[], caption: string) => Html): Html {
  const some = items.slice(0, MOST);
  const caption =
    some.length < items.length ? `The first ${MOST} of ${count(items.length)}; results/data-check.json has all` : title;
  return html`<details>
    <summary>${title}: ${count(items.length)}</summary>
    ${draw(some, caption)}
  </details> `;
}
