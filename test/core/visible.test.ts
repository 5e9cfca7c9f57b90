import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  csvText,
  markdownCode,
  markdownText,
  oneLine,
  visible,
  visibleJson,
  visibleLines,
} from "../../src/core/visible.ts";

// biome-ignore lint/suspicious/noControlCharactersInRegex: exactly these must not be seen
const STEERING = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\u200e\u200f\u2028\u2029\ufeff]/;
const nasty = fc.string({
  unit: fc.oneof(
    fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
    fc.constantFrom("\u001b", "\u009b", "\u202e", "\n", "|", "`", "=", "\ud800"),
  ),
});

describe("text that is shown", () => {
  it("steers no terminal, whatever it holds", () => {
    expect(visible("a\u001b[31mb\nc\u202ed\u009b\u200b\ud800")).toBe("a\\x1b[31mb\\nc\\u202ed\\x9b\\u200b\\ud800");
    expect(visible("Zeichen: äöü, 漢字, 😀, −1")).toBe("Zeichen: äöü, 漢字, 😀, −1");
    expect(oneLine(" a \r\n\n b\t\u0007")).toBe("a b\\t\\x07");
    fc.assert(
      fc.property(nasty, (text) => {
        for (const shown of [
          visible(text),
          oneLine(text),
          csvText(text).replace(/[\r\t]/g, ""),
          visibleLines(text),
          visibleJson(JSON.stringify(text)),
          markdownText(text),
        ]) {
          expect(shown).not.toMatch(STEERING);
        }
        expect(visible(text)).not.toContain("\n");
        expect(JSON.parse(visibleJson(JSON.stringify(text)))).toBe(text);
      }),
      { numRuns: 300 },
    );
  });

  it("is no formula in a spreadsheet, and numbers stay numbers", () => {
    for (const text of ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "-", "--x"]) {
      expect(csvText(text)).toBe(text === "-" ? "-" : `'${text}`);
    }
    for (const text of ["-1", "-0.5", "+2", "-1e-9", "1e3", ".5", "a=b", "conv1:0", "", "−1"])
      expect(csvText(text)).toBe(text);
  });

  it("is no markup in Markdown", () => {
    expect(markdownText("a | b")).toBe("a \\| b");
    expect(markdownText("[x](javascript:alert(1))")).toBe("\\[x\\](javascript:alert(1))");
    expect(markdownText("<img src=x onerror=alert(1)>\n# big")).toBe("&lt;img src=x onerror=alert(1)&gt; # big");
    expect(markdownText("![x](y) **b** `c` ~~d~~")).not.toMatch(/(?<!\\)[[*`~]/);
    expect(markdownText("http://evil.example @someone")).not.toMatch(/http:\/\/|@/);
    expect(["# x", "- x", "+ x", "1. x", "2) x", "=== x"].map(markdownText)).toEqual([
      "\\# x",
      "\\- x",
      "\\+ x",
      "1\\. x",
      "2\\) x",
      "\\=== x",
    ]);
    expect(markdownText("0.5 -0.25")).toBe("0.5 -0.25");
    expect(markdownText("asr: 0.500 < 0.900")).toBe("asr: 0.500 &lt; 0.900");
    expect(markdownCode("plain")).toBe("`plain`");
    expect(markdownCode("a``b|c", true)).toBe("``` a``b\\|c ```");
  });
});
