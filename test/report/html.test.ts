import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { escapeHtml, html } from "../../src/report/html.ts";
import { type Table, tableCsv, tableHtml, tableLatex, tableMarkdown } from "../../src/report/tables.ts";

describe("html", () => {
  it("lets no value leave its place", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const page = html`<p title="${text}">${text}</p>`.text;
        expect(page.match(/[<>"]/g)).toEqual(["<", '"', '"', ">", "<", ">"]);
      }),
    );
  });

  it("escapes once, joins lists, drops what is absent", () => {
    const inner = html`<b>${"&"}</b>`;
    expect(html`${inner}${[1, inner, null]}${undefined}${false}${0}`.text).toBe("<b>&amp;</b>1<b>&amp;</b>0");
  });

  it("is undone by an HTML reader", () => {
    const entities: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(escapeHtml(text).replace(/&(\w+|#39);/g, (_, name) => entities[name])).toBe(
          // biome-ignore lint/suspicious/noControlCharactersInRegex: what no page may hold
          text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, "\ufffd"),
        );
      }),
    );
  });
});

const table: Table = {
  name: "t",
  caption: "A_caption & more",
  columns: [
    { key: "who", title: "who", kind: "id" },
    { key: "d", title: "difference", kind: "estimate", group: "AUROC" },
    { key: "x", title: "infected", kind: "rate", group: "AUROC" },
    { key: "n", title: "n", kind: "count" },
  ],
  rows: [
    { who: "a|b_<c>", d: { value: 0.25, low: 0.1, high: 0.4 }, x: 1 / 3, n: 9 },
    { who: "=x,\n", d: { value: -0.0001, low: null, high: null }, x: null, n: 0 },
  ],
};

describe("tables", () => {
  it("are CSV with unrounded numbers and an estimate in three columns", () => {
    expect(parse(tableCsv(table))).toEqual([
      ["who", "d", "d_low", "d_high", "x", "n"],
      ["a|b_<c>", "0.25", "0.1", "0.4", String(1 / 3), "9"],
      ["'=x,\n", "-0.0001", "", "", "", "0"],
    ]);
  });

  it("are Markdown that no cell can break", () => {
    const lines = tableMarkdown(table).trimEnd().split("\n");
    expect(lines[2]).toBe("| who | AUROC: difference | AUROC: infected | n |");
    expect(lines[4]).toBe("| a\\|b\\_&lt;c&gt; | +0.250 \\[+0.100, +0.400\\] | 0.333 | 9 |");
    expect(lines).toHaveLength(6);
  });

  it("are LaTeX with its special characters written out", () => {
    const text = tableLatex(table);
    expect(text).toContain("\\caption{A\\_caption \\& more}");
    expect(text).toContain("a$|$b\\_$<$c$>$ & +0.250 [+0.100, +0.400] & 0.333 & 9 \\\\");
    expect(text).toContain("=x,  & 0.000 & -- & 0 \\\\");
    expect(text).toContain("\\begin{tabular}{lrrr}");
    const sentence = { ...table, rows: [{ who: `${"so ".repeat(30)}±0.05` }] };
    expect(tableLatex(sentence)).toMatch(/\\begin\{tabular\}\{p\{6cm\}rrr\}[\s\S]*so \$\\pm\$0\.05/);
  });

  it("are HTML with a caption, scoped headings, and emphasis only where the interval leaves out zero", () => {
    const { text } = tableHtml(table);
    expect(text).toContain("<caption>A_caption &amp; more</caption>");
    expect(text).toContain('<th scope="colgroup" class="group" colspan="2">AUROC</th>');
    expect(text.match(/<th scope="row"/g)).toHaveLength(2);
    expect(text.match(/class="estimate clear"/g)).toHaveLength(1);
    expect(text).toContain("a|b_&lt;c&gt;");
  });
});
