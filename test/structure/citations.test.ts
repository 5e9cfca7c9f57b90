import { readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT, textOf } from "./sources.ts";

const FOLDERS = ["src", "test", "bench", "docs", "examples", "python", "recipes", "scripts"];
const TEXT = /\.(ts|py|sh|mjs|md|yaml)$/;

/** Files of ours that people read, as paths below the root. */
const FILES = [
  ...readdirSync(ROOT).filter((name) => TEXT.test(name)),
  ...FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && TEXT.test(entry.name))
      .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)).replaceAll("\\", "/")),
  ),
];

/** Text without the line breaks and stars of a comment, so that a citation may go over the end of a line. */
function unwrapped(file: string): string {
  return textOf(file).replaceAll(/\n\s*(?:\*|\/\/|#)? */g, " ");
}

/** Headings of a page without their marks, e.g. `7.2 Style` or `Import order`. */
function headingsOf(page: string): string[] {
  return [...textOf(page).matchAll(/^#{2,3} (.+)$/gm)].map(([, heading]) => heading.replaceAll("`", ""));
}

const SECTIONS = headingsOf("docs/methods.md").map((heading) => heading.split(" ")[0]);

describe("docs/methods.md", () => {
  it("numbers its sections in order", () => {
    let [chapter, section] = [0, 0];
    for (const number of SECTIONS) {
      [chapter, section] = number.includes(".") ? [chapter, section + 1] : [chapter + 1, 0];
      expect(number).toBe(section === 0 ? `${chapter}` : `${chapter}.${section}`);
    }
  });

  it("has every section that is cited", () => {
    const page = textOf("docs/methods.md").replaceAll("\n", " ");
    const cited = FILES.flatMap((file) =>
      [...unwrapped(file).matchAll(/methods\.md((?:,? (?:and )?§[\d.]*\d)+)/g)].flatMap(([, list]) =>
        [...list.matchAll(/§([\d.]*\d)/g)].map(([, number]) => `${file}: §${number}`),
      ),
    );
    const own = [...page.matchAll(/§([\d.]*\d)/g)].map(([, number]) => `docs/methods.md: §${number}`);
    expect(cited.length).toBeGreaterThan(100);
    expect([...cited, ...own].filter((one) => !SECTIONS.includes(one.split("§")[1]))).toEqual([]);
  });
});

describe("citations", () => {
  it("of a page by its heading name one that is there", () => {
    const cited = FILES.filter((file) => !file.endsWith(".md")).flatMap((file) =>
      [...unwrapped(file).matchAll(/(docs\/[a-z-]+\.md), "([^"]+)"/g)].map(([, page, heading]) => [
        file,
        page,
        heading,
      ]),
    );
    expect(cited.length).toBeGreaterThan(5);
    expect(cited.filter(([, page, heading]) => !headingsOf(page).includes(heading))).toEqual([]);
  });

  it("are of pages that readers have", () => {
    // Documents that are not in the repository, by the names under which they were cited.
    const absent = /\b(?:METHODS|SPEC)[ ,]+§?\d/;
    expect(FILES.filter((file) => absent.test(unwrapped(file)))).toEqual([]);
  });
});
