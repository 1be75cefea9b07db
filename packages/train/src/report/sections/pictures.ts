import { counts } from "../facts.ts";
import { fixed, plural, quoted } from "../format.ts";
import { html, type Html, type HtmlValue } from "../page/html.ts";
import { name } from "../page/table.ts";
import type { EmbeddedPicture, Report, ShownPicture } from "../report.ts";

/** The worst mistakes and the least certain, as pictures, with where the model looked. */
export function picturesSection({ pictures, main }: Report): HtmlValue {
  const { worstMistakes, leastCertain, surest } = pictures;
  if (!main || leastCertain.length === 0) return null;
  const wrong = main.metrics.samples - counts(main.metrics).right;
  const explained = [...worstMistakes, ...leastCertain].some(({ overlay }) => overlay !== null);
  return [
    html`<p>
      What to look at first, on ${main.split}.
      ${
        explained
          ? "The second picture of each is the same with a heat map (Grad-CAM): warm where the image spoke for what the model said. It shows where, not why."
          : "No heat maps were kept with this run."
      }
    </p> `,
    wrong === 0
      ? html`<h3>Mistakes</h3>
          <p>None.</p> `
      : html`<h3>The worst of ${plural(wrong, "mistake")}</h3>
          <p>Those whose true class was given the least probability.</p>
          ${gallery(worstMistakes)}`,
    html`<h3>The least certain</h3>
      <p>Those nearest to another decision, right and wrong.</p>
      ${gallery(leastCertain)}`,
    surest.length === 0
      ? null
      : html`<h3>The surest, and right</h3>
          <p>Where the model looks when it is right: on bone, if all is well.</p>
          ${gallery(surest)}`,
  ];
}

const gallery = (pictures: readonly ShownPicture[]): Html =>
  html`<ul class="pictures">
    ${pictures.map(item)}
  </ul> `;

function item(picture: ShownPicture): Html {
  const { name: file, label, predicted, probability, plain, overlay, missing, alike } = picture;
  const right = label === predicted;
  const said = right ? "right" : "wrong";
  const alt = `Image ${file}: it is ${quoted(label)}, the model said ${quoted(predicted)} with probability ${fixed(probability.predicted, 2)}`;
  return html`<li>
    <figure>
      ${plain ? frame(plain, alt) : html`<div class="frame none"><span>No picture: ${missing}</span></div>`}${overlay ? frame(overlay, `${alt}; heat map of where it looked`) : null}
      <figcaption>
        <span>True: ${name(label)}</span>
        <span>Said: ${name(predicted)}, ${fixed(probability.predicted, 2)}, <strong>${said}</strong></span>
        ${alike > 0 ? html`<span class="related">and ${alike} more of the same film or patient</span>` : null}
        <span class="muted">${name(file)}</span>
      </figcaption>
    </figure>
  </li> `;
}

const frame = ({ src, width, height }: EmbeddedPicture, alt: string): Html =>
  html`<div class="frame"><img src="${src}" width="${width}" height="${height}" alt="${alt}" /></div>`;
