import { suggestion } from "./closest.ts";

/**
 * A fault of the user's making: bad usage or bad input. The CLI prints it as one line `error: …` and exits with 2.
 * The message names the file or option at fault and, where there is one, the mend.
 */
export class InputError extends Error {
  override readonly name = "InputError";
}

/** A check that ran and failed (`verify`, `data check`): the CLI prints the findings and exits with 1. */
export class CheckFailed extends Error {
  override readonly name = "CheckFailed";
}

/** Looks a name up in a registry; an unknown one fails with the list of valid names. */
export function lookup<T>(registry: ReadonlyMap<string, T>, kind: string, name: string): T {
  const found = registry.get(name);
  if (found !== undefined) return found;
  throw new InputError(
    `unknown ${kind} '${name}'${suggestion(name, registry.keys())}; valid: ${[...registry.keys()].join(", ")}`,
  );
}
