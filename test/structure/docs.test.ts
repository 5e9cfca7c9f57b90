import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { REGISTER_VERBS } from "../../src/cli/registry.ts";
import { CRITERIA } from "../../src/localize/registry.ts";
import { REPAIRS } from "../../src/repair/registry.ts";
import { ATTACKS } from "../../src/tasks/classification/attacks/registry.ts";
import { DATASETS } from "../../src/tasks/classification/datasets/registry.ts";
import { ARCHITECTURES } from "../../src/tasks/classification/models/registry.ts";
import { lanes } from "../../src/tasks/lanes/task.ts";
import { reply } from "../../src/tasks/language/reply/task.ts";
import { ROOT, sourcesBelow, textOf } from "./sources.ts";

interface Row {
  name: string;
  cells: string[];
}

/** The rows of the table below a heading of a Markdown page, without its head. */
function tableBelow(page: string, heading: string): Row[] {
  const section = page.split(/^## /m).find((part) => part.startsWith(`${heading}\n`));
  if (!section) throw new Error(`no heading '${heading}'`);
  return section
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => {
      const cells = line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim());
      return { name: cells[0].replaceAll("`", ""), cells };
    });
}

const page = textOf("docs/catalogue.md");

const REGISTRIES: [heading: string, folder: string, registry: ReadonlyMap<string, object>][] = [
  ["Architectures", "tasks/classification/models", ARCHITECTURES],
  ["Data sets", "tasks/classification/datasets", DATASETS],
  ["Attacks", "tasks/classification/attacks", ATTACKS],
  ["Criteria", "localize/criteria", CRITERIA],
  ["Repairs", "repair", REPAIRS],
];

describe("docs/catalogue.md", () => {
  it.each(REGISTRIES)("lists what the registry of %s holds, in its order", (heading, _, registry) => {
    expect(tableBelow(page, heading).map(({ name }) => name)).toEqual([...registry.keys()]);
  });

  it.each(REGISTRIES)("gives the source and the file of each of %s", (heading, folder, registry) => {
    for (const { name, cells } of tableBelow(page, heading)) {
      const { source, kind } = registry.get(name) as { source?: string; kind?: string };
      const origin = source ?? kind;
      if (origin !== undefined) expect(cells).toContain(origin);
      const file = cells.at(-1)!.replaceAll("`", "");
      expect(file).toMatch(new RegExp(`^src/${folder}/[a-z0-9-]+\\.ts$`));
      expect(existsSync(join(ROOT, file)), file).toBe(true);
      expect(file).toContain(`/${name}.ts`);
    }
  });

  it("lists the data sets, architectures and attacks of lanes, each with its file", () => {
    const { datasets, architectures, attacks } = lanes;
    const rows = tableBelow(page, "Lanes");
    expect(rows.map(({ name }) => name)).toEqual([...datasets.keys(), ...architectures.keys(), ...attacks.keys()]);
    for (const { name, cells } of rows) {
      const { source } = datasets.get(name) ?? attacks.get(name) ?? {};
      if (source !== undefined) expect(cells).toContain(source);
      expect(existsSync(join(ROOT, cells.at(-1)!.replaceAll("`", ""))), name).toBe(true);
    }
  });

  it("lists the data sets, architectures and attacks of replies, each with its file", () => {
    const { datasets, architectures, attacks } = reply;
    const rows = tableBelow(page, "Replies");
    const names = rows.flatMap(({ cells }) => [...cells[0].matchAll(/`([^`]+)`/g)].map(([, name]) => name));
    expect(names).toEqual([...datasets.keys(), ...architectures.keys(), ...attacks.keys()]);
    for (const { name, cells } of rows) {
      const { source } = datasets.get(name) ?? attacks.get(name) ?? {};
      if (source !== undefined) expect(cells).toContain(source);
      expect(existsSync(join(ROOT, cells.at(-1)!.replaceAll("`", ""))), name).toBe(true);
    }
  });

  it.each([
    ["localize/criteria", CRITERIA, []],
    ["tasks/classification/attacks", ATTACKS, ["registry"]],
  ] as const)("is what src/%s lists: entries, and no helper among them", (folder, registry, others) => {
    const files = readdirSync(join(ROOT, "src", folder)).filter((file) => file.endsWith(".ts"));
    expect(files.sort()).toEqual([...registry.keys(), ...others].map((name) => `${name}.ts`).sort());
  });

  it("says what each criterion may see", () => {
    for (const { name, cells } of tableBelow(page, "Criteria")) {
      const { access, needsData } = CRITERIA.get(name)!;
      expect([name, cells[2], cells[3]]).toEqual([name, `\`${access}\``, needsData ? "yes" : "no"]);
    }
  });
});

describe("docs/commands.md", () => {
  it("has a row for every verb", () => {
    const program = new Command();
    for (const register of REGISTER_VERBS) register(program);
    const rows = tableBelow(textOf("docs/commands.md"), "Verbs").map(({ name }) => name.split(" ")[0]);
    // What shells ask is no verb for people.
    const verbs = program
      .createHelp()
      .visibleCommands(program)
      .filter((verb) => verb.name() !== "help");
    for (const verb of verbs) expect(rows).toContain(verb.name());
    for (const row of rows) expect(program.commands.map((verb) => verb.name())).toContain(row);
  });
});

describe("README.md", () => {
  it("is read in one sitting", () => {
    expect(textOf("README.md").trim().split(/\s+/).length).toBeLessThanOrEqual(900);
  });
});

describe("docs", () => {
  it("name files that exist", () => {
    const pages = [
      ...["README.md", "CONTRIBUTING.md", "SECURITY.md"],
      ...["architecture", "catalogue", "deviations", "methods", "glossary"].map((name) => `docs/${name}.md`),
    ];
    const known = new Set(["src", "test", "bench"].flatMap((folder) => sourcesBelow(folder)));
    for (const file of pages) {
      const named = [...textOf(file).matchAll(/`((?:src|test|bench)\/[a-z0-9/-]+\.ts)`/g)].map(([, path]) => path);
      expect(
        named.filter((path) => !known.has(path)),
        file,
      ).toEqual([]);
    }
  });
});
