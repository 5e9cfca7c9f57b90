import { basename } from "node:path";
import { describe, expect, it } from "vitest";
import { folderOf, type Import, importsOf, sourcesBelow, textOf } from "./sources.ts";

/**
 * Which folder of `src/` may import which, lowest first. A folder names rows above its own only, so the table itself
 * rules out cycles. What is absent here is absent on purpose: `localize` and `repair` cannot reach the store, so no
 * label can reach them. `tasks` are the files of that folder alone, what every task shares; each task is a row of its own.
 */
const MAY_IMPORT: [folder: string, allowed: string[]][] = [
  ["core", []],
  ["files", ["core"]],
  ["pictures", ["core"]],
  ["tensor", ["core"]],
  ["records", ["core"]],
  ["graph", ["core", "tensor"]],
  ["engine", ["core", "tensor", "graph"]],
  ["tune", ["core", "tensor", "graph", "engine"]],
  ["images", ["core", "pictures", "tensor", "graph", "engine", "tune"]],
  ["datasets", ["core", "files", "images"]],
  ["tasks", ["core", "tensor", "graph", "images", "datasets"]],
  // CIFAR's python version is pickles of NumPy arrays: the codecs of `tensor` read them.
  [
    "tasks/classification",
    ["core", "files", "pictures", "tensor", "records", "graph", "engine", "tune", "images", "datasets", "tasks"],
  ],
  [
    "tasks/lanes",
    ["core", "files", "pictures", "tensor", "records", "graph", "engine", "tune", "images", "datasets", "tasks"],
  ],
  ["tasks/language", ["core", "files", "tensor", "records", "graph", "engine", "tune", "images", "datasets", "tasks"]],
  // Which tasks there are: for those who open what a record names.
  ["tasks/registry", ["core", "graph", "datasets", "tasks", "tasks/classification", "tasks/lanes", "tasks/language"]],
  ["measure", ["core", "tensor", "graph", "engine", "images", "tasks"]],
  ["reversal", ["core", "tensor", "graph", "images", "tasks", "tune", "measure"]],
  ["train", ["core", "tensor", "graph", "engine", "images", "datasets", "tasks", "tune"]],
  ["inject", ["core", "tensor", "records", "graph", "images", "datasets", "tasks", "tune", "measure", "reversal"]],
  // What criteria and repairs share: they cannot take it from each other.
  ["localize", ["core", "tensor", "graph", "images", "tasks", "tune", "measure", "reversal"]],
  ["repair", ["core", "tensor", "graph", "images", "tasks", "tune", "measure", "reversal"]],
  // More is open to the folders of `INSIDE`.
  ["store", ["core", "files", "tensor", "records", "images"]],
  ["score", ["core", "records"]],
  ["report", ["core", "tensor", "records", "graph", "pictures", "images", "tasks", "tasks/registry", "store", "score"]],
  [
    "pipeline",
    [
      ...["core", "files", "pictures", "tensor", "records", "graph", "engine", "images", "datasets"],
      // A network of a user's own is a classifier.
      ...["tasks", "tasks/registry", "tasks/classification"],
      ...["measure", "train", "inject", "reversal", "localize", "repair", "store", "score", "report"],
    ],
  ],
  [
    "cli",
    [
      ...["core", "files", "records", "datasets", "tasks/registry", "tasks/classification", "localize", "repair"],
      ...["store", "score", "report", "pipeline"],
    ],
  ],
];

/** The package's door for programs: it may call what the command line calls. */
const DOOR = "src/index.ts";

/** Folders inside a folder that may import more than the rest of it. */
const INSIDE: Record<string, string[]> = {
  // A checkout and a foreign model are written and read as networks.
  "store/checkout": ["graph", "tasks", "tasks/registry"],
  // Foreign models are classifiers.
  "store/foreign": ["graph", "tasks", "tasks/classification"],
  // Verifying holds facts against the rules that made them: gates, levels, criteria, repairs and data sets.
  "store/verify": [
    ...["graph", "tasks", "tasks/registry", "tasks/classification"],
    ...["measure", "inject", "localize", "repair"],
  ],
};

/** Types that one folder may take from another which it may not import otherwise. */
const MAY_TAKE_TYPES: Record<string, { from: string; names: string[] | "any" }[]> = {
  // A repair gets what a criterion gets.
  repair: [
    { from: "src/localize/types.ts", names: ["Suspect"] },
    { from: "src/localize/needs.ts", names: ["Need"] },
  ],
};

/** Folders whose own files know nothing of Node, so that they also run in a browser. */
const PORTABLE = [
  ...["core", "tensor", "records", "graph", "engine", "tune", "images", "tasks", "measure"],
  ...["train", "inject", "localize", "repair", "score"],
];

/** Of a task, the folders that are so too. */
const PORTABLE_INSIDE = /^src\/tasks\/[^/]+\/(models|attacks)\//;

/** What the page takes beside these: how pictures are made small, and what it says of lanes and texts, as their tasks do. */
const OF_THE_PAGE = new RegExp(
  `^src/(${[
    "pictures/(picture|resize)",
    "tasks/lanes/(dataset|goals|lane|lines|varied-trigger|verdicts|roads/(draw|frames|scene))",
    "tasks/language/(answers|carried-texts|context|language-of|question|reading|text-set|verdicts|word-trigger)",
    "tasks/language/(adoption/(asked-tokenizer|carried-model|described-tokenizer)|tokenizer/(bytes|file|library|tokenizer))",
    "tasks/language/reply/(asked-prompts|prompt-set|reading|reply|verdicts)",
  ].join("|")})\\.ts$`,
);

/** What of them is of one platform; nothing of them is loaded with the others. */
const NODE_ALONE = ["src/engine/node.ts", "src/engine/no-telemetry.ts", "src/engine/webgpu.ts"];

const MOST_LINES = 400;

const sources = sourcesBelow("src").filter((file) => file !== DOOR);
const imports = sources.flatMap((file) => importsOf(file));
const allowed = new Map(MAY_IMPORT);

/** What a file may import: what its folder may, and what a folder inside that one may beyond it. */
function mayImport(file: string): string[] {
  const [, folder, inside] = file.split("/");
  return [...allowed.get(folderOf(file))!, ...(INSIDE[`${folder}/${inside}`] ?? [])];
}

/** Files and packages that are loaded with some files, and with what these load. */
function staticallyLoaded(files: readonly string[]): Set<string> {
  const loaded = new Set<string>();
  const load = (file: string): void => {
    if (loaded.has(file)) return;
    loaded.add(file);
    if (!file.startsWith("src/")) return;
    for (const { to, typesOnly, dynamic } of importsOf(file)) if (!typesOnly && !dynamic) load(to);
  };
  for (const file of files) load(file);
  return loaded;
}

function isTypeException({ from, to, names, typesOnly }: Import): boolean {
  const taken = names
    .replace(/[{}]/g, "")
    .split(",")
    .map((name) => name.replace(/^\s*type\s+/, "").trim())
    .filter((name) => name !== "");
  return (MAY_TAKE_TYPES[folderOf(from)] ?? []).some(
    (exception) =>
      typesOnly &&
      exception.from === to &&
      (exception.names === "any" || taken.every((name) => exception.names.includes(name))),
  );
}

/** A cycle of files through imports that load something, as the list of its files; null where there is none. */
function findCycle(edges: Import[]): string[] | null {
  const next = new Map<string, string[]>();
  for (const { from, to, relative, typesOnly } of edges) {
    if (relative && !typesOnly) next.set(from, [...(next.get(from) ?? []), to]);
  }
  const done = new Set<string>();
  const visit = (file: string, path: string[]): string[] | null => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return null;
    for (const target of next.get(file) ?? []) {
      const cycle = visit(target, [...path, file]);
      if (cycle) return cycle;
    }
    done.add(file);
    return null;
  };
  for (const file of next.keys()) {
    const cycle = visit(file, []);
    if (cycle) return cycle;
  }
  return null;
}

describe("the walk of imports", () => {
  it("sees every form of import", () => {
    const text = [
      'import { a, type B } from "../core/a.ts";',
      'import type { C } from "./c.ts";',
      'import {\n  type D,\n  type E,\n} from "../d.ts";',
      'export { f } from "./f.ts";',
      'import "node:fs";',
      'const g = await import("../g/g.ts");',
      'const text = `from "nowhere.ts"`;',
    ].join("\n");
    const found = importsOf("src/graph/x.ts", text);
    expect(found.map(({ to, typesOnly }) => [to, typesOnly])).toEqual([
      ["src/core/a.ts", false],
      ["src/graph/c.ts", true],
      ["src/d.ts", true],
      ["src/graph/f.ts", false],
      ["node:fs", false],
      ["src/g/g.ts", false],
    ]);
  });

  it("finds files and only imports that exist", () => {
    expect(sources.length).toBeGreaterThan(100);
    const known = new Set(sources);
    expect(imports.filter(({ to, relative }) => relative && !known.has(to))).toEqual([]);
  });

  it("finds a cycle where there is one", () => {
    const edge = (from: string, to: string): Import => ({
      from,
      to,
      relative: true,
      typesOnly: false,
      dynamic: false,
      names: "",
    });
    expect(findCycle([edge("a", "b"), edge("b", "c"), edge("c", "a")])).toEqual(["a", "b", "c", "a"]);
    expect(findCycle([edge("a", "b"), edge("a", "c"), edge("b", "c")])).toBeNull();
  });
});

describe("who imports whom", () => {
  it("knows every folder, each above what it imports", () => {
    const folders = MAY_IMPORT.map(([folder]) => folder);
    expect([...new Set(sources.map(folderOf))].sort()).toEqual([...folders].sort());
    for (const [i, [folder, targets]] of MAY_IMPORT.entries()) {
      for (const target of targets) expect(folders.indexOf(target), `${folder} → ${target}`).toBeLessThan(i);
      for (const target of targets) expect(folders).toContain(target);
    }
  });

  it("keeps the table", () => {
    const broken = imports
      .filter(({ relative }) => relative)
      .filter(({ from, to }) => folderOf(from) !== folderOf(to))
      .filter((found) => !mayImport(found.from).includes(folderOf(found.to)) && !isTypeException(found))
      .map(({ from, to }) => `${from} imports ${to}`);
    expect(broken).toEqual([]);
  });

  it("has no circle of files", () => {
    expect(findCycle(imports)).toBeNull();
  });

  it("keeps Node out of what runs in a browser", () => {
    const portable = sources.filter(
      (file) =>
        (PORTABLE.includes(folderOf(file)) || PORTABLE_INSIDE.test(file) || OF_THE_PAGE.test(file)) &&
        !NODE_ALONE.includes(file),
    );
    const own = portable.flatMap((file) => importsOf(file));
    expect(own.filter(({ to }) => to.startsWith("node:"))).toEqual([]);
    expect(own.filter(({ to, typesOnly, dynamic }) => NODE_ALONE.includes(to) && !typesOnly && !dynamic)).toEqual([]);
    expect(portable.filter((file) => /\b(process\.[a-z]|Buffer\b|require\()/.test(textOf(file)))).toEqual([]);
  });

  it("loads nothing of Node where a page loads the engine and the graph", () => {
    const loaded = staticallyLoaded([
      ...["src/engine/web.ts", "src/engine/session.ts"],
      ...sources.filter((file) => ["core", "tensor", "graph", "tune", "score"].includes(folderOf(file))),
      ...sources.filter((file) => file.startsWith("src/tasks/classification/models/")),
    ]);
    expect([...loaded].filter((name) => /^(node:|onnxruntime)/.test(name))).toEqual([]);
  });

  it("states the shape of files in records, of recipes beside what reads them", () => {
    const users = imports.filter(({ to, typesOnly }) => to === "zod" && !typesOnly).map(({ from }) => from);
    const recipes = /^src\/(tasks\/|inject\/recipe|pipeline\/recipe\/|pipeline\/study\/recipe|store\/verify\/)/;
    const others = users.filter((file) => folderOf(file) !== "records" && !recipes.test(file));
    // What a user's program answers is no file of ours.
    expect(others).toEqual(["src/pipeline/plugin/answer.ts"]);
  });

  it("lets only the engine know ONNX Runtime", () => {
    const users = imports.filter(({ to }) => to.startsWith("onnxruntime")).map(({ from }) => from);
    expect([...new Set(users)].sort()).toEqual(["src/engine/node.ts", "src/engine/webgpu.ts"]);
  });

  it("loads small packages alone for help and for an error of usage", () => {
    const packages = [...staticallyLoaded(["src/cli/main.ts"])].filter(
      (name) => !name.startsWith("src/") && !name.startsWith("node:"),
    );
    expect(packages.sort()).toEqual([
      "cli-progress",
      "cli-table3",
      "commander",
      "csv-stringify/sync",
      "fastest-levenshtein",
      "string-width",
    ]);
  });

  it("writes `node:` before Node's modules", () => {
    const bare = /^(assert|buffer|child_process|crypto|events|fs|http|https|module|net|os|path|stream|url|util|zlib)$/;
    expect(imports.filter(({ to }) => bare.test(to.split("/")[0]))).toEqual([]);
  });
});

describe("the package's door", () => {
  it("stands above all but the command line, and nothing stands on it", () => {
    const below = importsOf(DOOR).map(({ to }) => folderOf(to));
    expect(below).not.toContain("cli");
    expect(imports.filter(({ to }) => to === DOOR)).toEqual([]);
  });
});

describe("the page", () => {
  const page = sourcesBelow("web").filter((file) => !file.includes("/node_modules/"));
  const taken = page.flatMap((file) => importsOf(file)).filter(({ to }) => to.startsWith("src/"));

  it("stands on what runs in a browser, and knows the shape of files as types alone", () => {
    expect(page.length).toBeGreaterThan(10);
    const isPortable = (file: string) => PORTABLE.includes(folderOf(file)) || OF_THE_PAGE.test(file);
    const others = taken.filter(({ to }) => !isPortable(to) || NODE_ALONE.includes(to));
    expect(others).toEqual([]);
    expect(taken.filter(({ to, typesOnly }) => folderOf(to) === "records" && !typesOnly)).toEqual([]);
  });

  it("loads nothing of Node, and few packages", () => {
    const files = taken.filter(({ typesOnly }) => !typesOnly).map(({ to }) => to);
    const packages = [...staticallyLoaded(files)].filter((name) => !name.startsWith("src/"));
    expect(packages.sort()).toEqual([
      "@bufbuild/protobuf/wire",
      "@huggingface/tokenizers",
      "@noble/hashes/sha2.js",
      "@noble/hashes/utils.js",
      "fastest-levenshtein",
      "pure-rand/generator/xoroshiro128plus",
    ]);
  });

  it("is the last: nothing below knows it", () => {
    expect(imports.filter(({ to }) => to.startsWith("web/"))).toEqual([]);
  });
});

describe("files", () => {
  const all = [...sources, DOOR, ...["test", "bench", "web"].flatMap((folder) => sourcesBelow(folder))];

  it(`are no longer than ${MOST_LINES} lines`, () => {
    const long = all.filter((file) => textOf(file).trimEnd().split("\n").length > MOST_LINES);
    expect(long).toEqual([]);
  });

  it("are named after what they hold", () => {
    const drawers = /^(utils?|helpers?|misc|shared|stuff)$/;
    const parts = (file: string) => [...file.split("/").slice(1, -1), basename(file).split(".")[0]];
    expect(all.filter((file) => parts(file).some((part) => drawers.test(part)))).toEqual([]);
  });
});
