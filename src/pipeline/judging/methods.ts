import { InputError, lookup } from "../../core/errors.ts";
import { REPAIRS } from "../../repair/registry.ts";
import type { Repair } from "../../repair/types.ts";
import { isPlugin, parsePlugin } from "../plugin/command.ts";
import type { PluginLimits } from "../plugin/criterion.ts";
import { pluginRepair } from "../plugin/repair.ts";

/**
 * Repairs by name, in the order given, each once; `cmd:COMMAND` and `NAME=cmd:COMMAND` are plug-ins.
 *
 * @throws InputError on an unknown name, and on two commands under one name
 */
export function methodsNamed(names: Iterable<string>, limits: PluginLimits = {}): Repair[] {
  const methods = new Map<string, Repair>();
  for (const name of names) {
    const method = methodNamed(name, limits);
    const before = methods.get(method.name);
    if (before && before.fingerprint !== method.fingerprint) {
      throw new InputError(`--method '${name}': another command has the name '${method.name}'; give it its own`);
    }
    methods.set(method.name, method);
  }
  return [...methods.values()];
}

/** @throws InputError on an unknown name or a malformed command */
export function methodNamed(name: string, limits: PluginLimits = {}): Repair {
  return isPlugin(name) ? pluginRepair(parsePlugin(name, "--method"), limits) : lookup(REPAIRS, "repair", name);
}

/** @throws InputError where nobody names neurons for a method that does not choose any by itself */
export function assertChooses({ name, repairUnaided }: Repair, using: { kind: string }): void {
  if (using.kind !== "none" || repairUnaided) return;
  throw new InputError(
    `--using none: '${name}' repairs the neurons that somebody names; a program of yours may choose by itself`,
  );
}
