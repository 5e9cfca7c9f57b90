import type { InputError } from "../core/errors.ts";
import { Opaque } from "./opaque.ts";
import type { PickleGlobal, PickleValue } from "./pickle.ts";

/** Python's containers as pickles hold them, read as data; and the names that no data has. */

type Fault = (text: string) => InputError;
type Call = NonNullable<PickleGlobal["call"]>;

const BUILTINS = ["builtins", "__builtin__"];
/** A range is written out, so that it may be truth; no layer is wider. */
const LONGEST_RANGE = 1_000_000;

/** What makes plain containers, by name. */
export function plainGlobals(fault: Fault): [name: string, call: Call][] {
  const builtin = (names: string[], call: Call) =>
    BUILTINS.flatMap((module) => names.map((name): [string, Call] => [`${module}.${name}`, call]));
  return [
    ["collections.OrderedDict", (args) => dictOf(args, fault)],
    // Its arguments: how missing values are made.
    ["collections.defaultdict", () => new Map()],
    ["collections.Counter", ([items]) => (items instanceof Map ? items : new Map())],
    ["collections.deque", ([items]) => (Array.isArray(items) ? [...items] : [])],
    // Objects as protocols 0 and 1 make them: class, base, state.
    ...["copy_reg", "copyreg"].map((module): [string, Call] => [
      `${module}._reconstructor`,
      ([type]) => new Opaque(type instanceof Opaque ? type.name : "an object"),
    ]),
    ["torch.Size", ([items]) => (Array.isArray(items) ? items : [])],
    ...builtin(["set", "frozenset"], (args) => setOf(args, fault)),
    ...builtin(["list", "tuple"], ([items]) => (Array.isArray(items) ? [...items] : [])),
    ...builtin(["dict"], (args) => dictOf(args, fault)),
    ...builtin(["range", "xrange"], (args) => rangeOf(args, fault)),
  ];
}

function dictOf(args: readonly PickleValue[], fault: Fault): Map<unknown, unknown> {
  const [pairs = [], ...more] = args;
  if (more.length === 0 && pairs instanceof Map) return pairs;
  if (more.length > 0 || !Array.isArray(pairs) || !pairs.every((pair) => Array.isArray(pair) && pair.length === 2)) {
    throw fault("an OrderedDict is not made of pairs");
  }
  return new Map(pairs as [unknown, unknown][]);
}

function setOf(args: readonly PickleValue[], fault: Fault): Set<unknown> {
  const [items = [], ...more] = args;
  if (more.length > 0 || !Array.isArray(items)) throw fault("a set is not made of a list");
  return new Set(items);
}

function rangeOf(args: readonly PickleValue[], fault: Fault): number[] {
  const numbers = args as number[];
  if (args.length < 1 || args.length > 3 || !args.every(Number.isSafeInteger))
    throw fault("a range is not made of numbers");
  const [start, stop, step] = numbers.length === 1 ? [0, numbers[0], 1] : [numbers[0], numbers[1], numbers[2] ?? 1];
  const length = step === 0 ? Number.POSITIVE_INFINITY : Math.max(0, Math.ceil((stop - start) / step));
  if (length > LONGEST_RANGE) throw fault("a range is longer than any layer is wide");
  return Array.from({ length }, (_, i) => start + i * step);
}

const MODULES =
  /^(os|posix|nt|pty|sys|subprocess|commands|popen2|shutil|socket|importlib|imp|runpy|ctypes|cffi|webbrowser|code|codeop|pdb|bdb|timeit|multiprocessing|asyncio|threading|_thread|signal|pickle|_pickle|dill|cloudpickle|marshal|torch\.hub|torch\.utils\.cpp_extension|numpy\.testing)(\.|$)/;
const FUNCTIONS = /^(eval|exec|execfile|compile|open|file|input|raw_input|__import__|breakpoint|apply|reload)$/;

/** Whether a pickle that names this can only mean to run something: no file of weights does. */
export function runsPrograms(module: string, name: string): boolean {
  return MODULES.test(module) || (BUILTINS.includes(module) && FUNCTIONS.test(name));
}
