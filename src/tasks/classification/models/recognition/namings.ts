/** What of a tensor recognition looks at. */
export interface Shaped {
  readonly shape: readonly number[];
}
export type ShapedTensors = ReadonlyMap<string, Shaped>;

/** One way to read a file's names as those of an architecture: our name → the file's. */
export interface Naming {
  /** Where in the file's names the network lies: `""`, `module.`, `backbone.`, … */
  prefix: string;
  names: Map<string, string>;
}

/** What an architecture's names look like, for comparison. */
export interface Pattern {
  /** First parts of its names, in the network's order. */
  parts: readonly string[];
  /** Stem of the classifier's names. */
  classifier: string;
}

/** Smaller parts of a file are no network of ours. */
const FEWEST_FILTERS = 8;
const MOST_PREFIXES = 32;
/** Names that go deeper are compared up to here; wrappers in wrappers add a level each. */
export const MOST_LEVELS = 64;

/**
 * Where networks may lie in a file: prefixes of many filters, those of most first, whatever the order of the names.
 *
 * @param part only names that begin so are looked at
 */
export function prefixesOf(tensors: ShapedTensors, part: string): string[] {
  const filters = new Map([[part, 0]]);
  for (const [name, { shape }] of tensors) {
    if (shape.length !== 4 || !name.startsWith(part)) continue;
    const levels = name.slice(part.length).split(".", MOST_LEVELS + 1);
    let prefix = part;
    for (const level of ["", ...levels.slice(0, -1)]) {
      if (level !== "") prefix += `${level}.`;
      filters.set(prefix, (filters.get(prefix) ?? 0) + 1);
    }
  }
  const byCount = ([a, most]: [string, number], [b, count]: [string, number]) => count - most || (a < b ? -1 : 1);
  // Of wrappers that hold the same filters the innermost are nearest to the network.
  return [...filters]
    .filter(([prefix, count]) => prefix === part || count >= FEWEST_FILTERS)
    .sort((a, b) => b[1] - a[1] || b[0].length - a[0].length || byCount(a, b))
    .slice(0, MOST_PREFIXES)
    .sort(byCount)
    .map(([prefix]) => prefix);
}

/** All ways in which the names behind a prefix may mean those of an architecture, the plainest first. */
export function namingsOf(tensors: ShapedTensors, prefix: string, pattern: Pattern): Naming[] {
  const inner = [...tensors.keys()].filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  const ways = [torchvision, residualFunctions, children(inner, pattern)];
  return ways.flatMap((rename) => {
    if (rename === null) return [];
    const names = new Map<string, string>();
    for (const name of inner) {
      const ours = rename(name);
      // Two names that mean one keep their own.
      names.set(names.has(ours) ? name : ours, prefix + name);
    }
    nameClassifier(tensors, prefix, names, pattern.classifier);
    return [{ prefix, names }];
  });
}

type Rename = (name: string) => string;

/** Torchvision's name of what pytorch-cifar, whose names ours are, calls a shortcut. */
const torchvision: Rename = (name) => name.replace(/(^|\.)downsample\./, "$1shortcut.");

/** Positions in a block that is written as one `Sequential` (convolution, norm, activation, convolution, norm). */
const IN_BLOCK: Record<string, string> = { 0: "conv1", 1: "bn1", 3: "conv2", 4: "bn2" };

/** `conv2_x.0.residual_function.3`, with the stem as a `Sequential` too, as in weiaicunzai's pytorch-cifar100. */
const residualFunctions: Rename = (name) =>
  name
    .replace(/^conv1\.0\./, "conv1.")
    .replace(/^conv1\.1\./, "bn1.")
    .replace(/^conv([2-5])_x\./, (_, stage) => `layer${Number(stage) - 1}.`)
    .replace(/\.residual_function\.([0134])\./, (_, at) => `.${IN_BLOCK[at]}.`);

/** `nn.Sequential(*model.children())`: numbers in place of the first parts, as many as there are. */
function children(names: readonly string[], { parts }: Pattern): Rename | null {
  const found = new Set<number>();
  for (const name of names) {
    const number = /^(\d{1,4})\./.exec(name)?.[1];
    if (number === undefined) return null;
    found.add(Number(number));
  }
  if (found.size !== parts.length) return null;
  const order = [...found].sort((a, b) => a - b);
  return (name) => name.replace(/^\d+/, (number) => parts[order.indexOf(Number(number))]);
}

/**
 * The only linear layer is the classifier, whatever its name. A wrapper may keep it outside the rest: then it is the only one
 * in the nearest part of the file that has any.
 */
function nameClassifier(tensors: ShapedTensors, prefix: string, names: Map<string, string>, classifier: string): void {
  if (names.has(`${classifier}.weight`)) return;
  const linear = [...tensors].filter(([name, { shape }]) => name.endsWith(".weight") && shape.length === 2);
  const scope = scopesOf(prefix).find((around) => linear.some(([name]) => name.startsWith(around)));
  const found = linear.filter(([name]) => scope !== undefined && name.startsWith(scope));
  if (found.length !== 1) return;
  const stem = found[0][0].slice(0, -"weight".length);
  for (const [ours, name] of names) if (name === `${stem}weight` || name === `${stem}bias`) names.delete(ours);
  names.set(`${classifier}.weight`, `${stem}weight`);
  if (tensors.has(`${stem}bias`)) names.set(`${classifier}.bias`, `${stem}bias`);
}

/** A prefix and those around it, the nearest first: `a.b.`, `a.`, `""`. */
function scopesOf(prefix: string): string[] {
  const levels = prefix.split(".").slice(0, -1);
  return Array.from({ length: levels.length + 1 }, (_, out) =>
    levels
      .slice(0, levels.length - out)
      .map((level) => `${level}.`)
      .join(""),
  );
}
