import { InputError } from "../core/errors.ts";
import { numpyGlobals } from "./numpy-pickle.ts";
import { type PickleGlobal, type PickleValue, type PickleWorld, readPickle } from "./pickle.ts";
import { plainGlobals, runsPrograms } from "./plain-pickle.ts";

type Call = PickleGlobal["call"];

/**
 * Finds what a pickle of data may name: Python's containers, NumPy's arrays, and what a format adds. A name that can only
 * mean to run something ends the reading.
 *
 * @param more globals of a format by `module.name`; without a call they may be named, not called
 */
export function dataGlobals(name: string, more: Iterable<[name: string, call: Call]> = []): PickleWorld["global"] {
  const fault = (text: string) => new InputError(`${name}: ${text}`);
  const known = new Map<string, Call>([...more, ...plainGlobals(fault), ...numpyGlobals(fault)]);
  return (module, global) => {
    const full = `${module}.${global}`;
    if (known.has(full)) return { name: full, call: known.get(full) };
    if (runsPrograms(module, global)) {
      throw fault(`refused as a pickle: it names '${full.slice(0, 200)}', which runs programs; nothing was run`);
    }
    return undefined;
  };
}

/**
 * Reads a pickle of plain data and NumPy arrays, as data sets come in. Nothing is executed.
 *
 * @param name of the file, for messages. @throws InputError where it is damaged, or names what runs programs
 */
export function readDataPickle(bytes: Uint8Array, name: string): PickleValue {
  const world: PickleWorld = {
    global: dataGlobals(name),
    persistent() {
      throw new InputError(`${name}: refused as a pickle: it refers to what lies outside it`);
    },
  };
  return readPickle(bytes, world, name);
}
