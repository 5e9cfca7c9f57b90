import { createHash } from "node:crypto";
import { type Html, html, trusted } from "./html.ts";
import type { Section } from "./section.ts";
import { SCRIPT, STYLE } from "./style.ts";

/** Nothing is fetched and no script but the page's own runs, whatever the page holds: a browser enforces it. */
const POLICY = `default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-${createHash("sha256").update(SCRIPT).digest("base64")}'`;

/** The whole page from its sections, without the closing hash. */
export function renderPage(
  title: string,
  subtitle: string,
  sections: readonly Section[],
  pictures: Html | null,
): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${trusted(STYLE)}</style>
</head>
<body>
<header><h1>${title}</h1><p class="sub">${subtitle}</p></header>
<nav aria-label="Sections"><ul>${sections.map((section) => html`<li><a href="#${section.id}">${section.title.split(":")[0]}</a></li>`)}</ul></nav>
<main>
${sections.map(
  (section) => html`<section id="${section.id}" aria-labelledby="${section.id}-title">
<h2 id="${section.id}-title">${section.title}</h2>
${section.body}
</section>
`,
)}</main>
${pictures}
<footer>Self-contained: no network, no script needed. The comment at this file's end holds the SHA-256 of all bytes before it.</footer>
<script>${trusted(SCRIPT)}</script>
</body>
</html>
`.text;
}
