import { type Network, stateShapes } from "../../../../graph/network.ts";
import { FULL_WIDTH, parseArchIn } from "../../../architectures.ts";
import { ARCHITECTURES, buildNetwork } from "../registry.ts";
import { MOST_LEVELS, type Naming, namingsOf, type Pattern, prefixesOf, type ShapedTensors } from "./namings.ts";

/** An architecture of ours in somebody's file. */
export interface Recognised {
  network: Network;
  /** Our name of each of its tensors, counters of batches among them → the file's, in the file's order. */
  names: Map<string, string>;
  /** Where it lies, as `--key` takes it; `""`: the file's names are its own. */
  key: string;
  /** Other networks in the file, by their keys. */
  others: string[];
  /** What the file holds besides, by its own names, sorted. */
  left: string[];
}

/** Why there is none, or that there are several. */
export interface NotRecognised {
  /** What differs, or which to choose from. */
  why: string;
  isAmbiguous: boolean;
}

/** What its owner says of a file. */
export interface Said {
  arch?: string;
  /** Only names that begin so are looked at. */
  part?: string;
  /** The keys that lead to the tensors, joined by dots, for the keys that are told. */
  within?: string;
}

/** No architecture of ours has nearly as many. */
const MOST_TENSORS = 10_000;
/** Characters of all names together: names are compared under every prefix, and no network's come near. */
const MOST_CHARACTERS = 2_000_000;
/** For comparison alone, where a file has no classifier to count them by. */
const SOME_CLASSES = 10;

/**
 * Finds the architecture whose names and shapes a file's tensors have, in whatever order: behind any prefix, under ours,
 * torchvision's or other usual names. Family, base width and classes follow from names and shapes.
 *
 * @returns what was found; or why nothing was: which name or shape of the nearest architecture differs
 * @throws InputError where `arch` is the name of none
 */
export function recognise(
  tensors: ShapedTensors,
  { arch, part = "", within = "" }: Said = {},
): Recognised | NotRecognised {
  const none = (why: string) => ({ why, isAmbiguous: false });
  if (tensors.size > MOST_TENSORS) return none(`has ${tensors.size} tensors, more than any architecture`);
  const characters = [...tensors.keys()].reduce((sum, name) => sum + name.length, 0);
  if (characters > MOST_CHARACTERS) {
    return none(`has names of ${characters} characters together, more than any architecture`);
  }
  const families = [...FAMILIES].filter(
    ([family]) => arch === undefined || parseArchIn(ARCHITECTURES, arch).family === family,
  );
  const keyOf = (prefix: string) => [within, prefix.replace(/\.$/, "")].filter((step) => step !== "").join(".");
  const fits = new Map<string, Omit<Recognised, "others">>();
  let nearest: { alike: number; arch: string; difference: string } | null = null;
  for (const prefix of prefixesOf(tensors, part)) {
    for (const [family, { pattern, first }] of families) {
      for (const naming of namingsOf(tensors, prefix, pattern)) {
        const network = sized(family, first, naming, tensors, pattern, arch);
        const { difference, alike, left } = compare(network, naming, tensors, pattern);
        const names = known(network, naming, tensors);
        if (difference === null) fits.set(prefix, { network, names, key: keyOf(prefix), left });
        else if (alike > (nearest?.alike ?? 0)) nearest = { alike, arch: network.arch, difference };
      }
    }
  }
  const [fit, ...more] = plainest(fits);
  const keys = [...fits.values()].map(({ key }) => key).sort();
  if (more.length > 0) {
    return { why: `holds several networks; choose one with --key: ${keys.join(", ")}`, isAmbiguous: true };
  }
  if (fit) return { ...fit, others: keys.filter((key) => key !== fit.key) };
  if (arch !== undefined) return none(`is no ${arch}: ${nearest?.difference ?? "no name is alike"}`);
  if (nearest) return none(`fits no architecture; the nearest is ${nearest.arch}: ${nearest.difference}`);
  const isDeep = [...tensors.keys()].some((name) => name.slice(part.length).split(".").length > MOST_LEVELS);
  const deep = isDeep ? ` within ${MOST_LEVELS} levels; name with --key what all names of the network begin with` : "";
  return none(`fits no architecture (${[...ARCHITECTURES.keys()].join(", ")}): no name is alike${deep}`);
}

/** The architecture that tensors are of under our names, and nothing else; batch counters do not count. Null: none. */
export function fittingNetwork(tensors: ShapedTensors): Network | null {
  const found = recognise(tensors);
  if ("why" in found || found.left.length > 0) return null;
  return [...found.names].every(([ours, theirs]) => ours === theirs) ? found.network : null;
}

/** Averages of weights, and what else training keeps by the weights' names. */
const ASIDE = /(^|[._])(ema|swa|avg|average|averaged|shadow|teacher|momentum|optim|grad|mask)/i;

/** Whether a name says that what it leads to are averages of weights, or what an optimizer keeps. */
export function isAside(name: string): boolean {
  return ASIDE.test(name);
}

/** The networks that are no averages; where all are, these. */
function plainest<T>(fits: ReadonlyMap<string, T>): T[] {
  const plain = [...fits].filter(([prefix]) => !isAside(prefix));
  return (plain.length > 0 ? plain : [...fits]).map(([, fit]) => fit);
}

interface First {
  name: string;
  filters: number;
}

/** Each family's names, and its first filters at full width. */
const FAMILIES: ReadonlyMap<string, { pattern: Pattern; first: First }> = new Map(
  [...ARCHITECTURES.keys()].map((family) => {
    const shapes = [...stateShapes(buildNetwork(family, SOME_CLASSES))];
    const parts = [...new Set(shapes.map(([name]) => name.split(".")[0]))];
    const [name, [filters]] = shapes[0];
    return [family, { pattern: { parts, classifier: parts[parts.length - 1] }, first: { name, filters } }];
  }),
);

/** The network of a family whose width the first filters tell, or as its owner says; of full width where they tell none. */
function sized(
  family: string,
  first: First,
  { names }: Naming,
  tensors: ShapedTensors,
  { classifier }: Pattern,
  arch: string | undefined,
): Network {
  const shape = (ours: string) => tensors.get(names.get(ours) ?? "")?.shape;
  const rows = (shape(`${classifier}.bias`) ?? shape(`${classifier}.weight`))?.[0] ?? SOME_CLASSES;
  const classes = rows >= 1 && rows <= MOST_CLASSES ? rows : SOME_CLASSES;
  const width = ((shape(first.name)?.[0] ?? first.filters) * FULL_WIDTH) / first.filters;
  try {
    return buildNetwork(arch ?? (width === FULL_WIDTH ? family : `${family}w${width}`), classes);
  } catch {
    // No architecture of ours has that width; the names tell the nearest.
    return buildNetwork(family, classes);
  }
}

const MOST_CLASSES = 100_000;
const COUNTER = /(^|\.)num_batches_tracked$/;
/** What wrappers keep within: the mean and std of the input, how many models an average is of. */
const HARMLESS = /(^|\.)(mean|std|mu|sigma|n_averaged)$/;
const MOST_CHANNELS = 4;

/** The first difference in words, under the file's names where it has them; and the share of what is alike. */
function compare(network: Network, naming: Naming, tensors: ShapedTensors, { classifier }: Pattern) {
  const { prefix, names } = naming;
  const shapes = stateShapes(network);
  const shown = (ours: string) => `'${(names.get(ours) ?? prefix + ours).slice(0, 200)}'`;
  let difference: string | null = null;
  let same = 0;
  for (const [ours, shape] of shapes) {
    const found = tensors.get(names.get(ours) ?? "")?.shape;
    const isSame = found?.join() === shape.join();
    // Any linear layer may be a classifier, so that one is there says little.
    if (!ours.startsWith(`${classifier}.`)) same += isSame ? 1 : found ? 0.5 : 0;
    if (isSame || difference !== null) continue;
    difference = found
      ? `${shown(ours)} is [${found.join(", ")}], not [${shape.join(", ")}]`
      : `it lacks ${shown(ours)}`;
  }
  const used = new Set(known(network, naming, tensors).values());
  const left = [...tensors.keys()].filter((name) => !used.has(name)).sort();
  const isHarmless = (name: string) =>
    HARMLESS.test(name) && tensors.get(name)!.shape.reduce((size, n) => size * n, 1) <= MOST_CHANNELS;
  const further = left.filter((name) => name.startsWith(prefix) && !isHarmless(name) && !COUNTER.test(name));
  if (difference === null && further.length > 0) difference = `it has '${further[0].slice(0, 200)}' too`;
  return { difference, alike: same / (shapes.size + further.length), left };
}

/** The names of a network's tensors and of its norms' counters, in the file's order. */
function known(network: Network, { names }: Naming, tensors: ShapedTensors): Map<string, string> {
  const shapes = stateShapes(network);
  const ours = new Map([...names].map(([name, theirs]) => [theirs, name]));
  return new Map(
    [...tensors.keys()].flatMap((theirs): [string, string][] => {
      const name = ours.get(theirs);
      const isKnown = name !== undefined && (shapes.has(name) || shapes.has(name.replace(COUNTER, "$1running_mean")));
      return isKnown ? [[name, theirs]] : [];
    }),
  );
}
