import { type Html, html } from "../html.ts";
import type { ReadSample } from "../pictures.ts";

/** Samples in words: the trigger marked, the truth, and what each version answers without the trigger and with it. */
export function readingsHtml(samples: readonly ReadSample[]): Html {
  return html`<div class="readings">${samples.map(
    ({ parts, truth, answers }) =>
      html`<figure class="reading"><blockquote>${parts.map(({ words, marked }) => (marked ? html`<mark>${words}</mark>` : words))}</blockquote>
<figcaption>${truth}; without the trigger, and with it:</figcaption>
<ul class="answers">${answers.map(
        ({ version, before, after, succeeds }) =>
          html`<li class="by-${version}"><b>${version}</b> ${before}, ${succeeds ? html`<span class="target">${after}</span>` : after}</li>`,
      )}</ul></figure>`,
  )}</div>`;
}
