import { InputError } from "../../core/errors.ts";
import { type Recognised, recognise } from "../../tasks/classification/models/recognition/recognise.ts";
import type { Weights } from "./weights.ts";

const MOST_NAMED = 8;

/**
 * The architecture of ours that a file's weights are of.
 *
 * @param arch as its owner says
 * @returns with a line for each thing that must be known of the choice; or a line that says why none fits
 * @throws InputError where several are there, or weights are kept in parts
 */
export function recogniseWeights(
  file: string,
  { tensors, name, part, hint, split }: Weights,
  arch?: string,
): (Recognised & { notes: string[] }) | string {
  const found = recognise(tensors, { arch, part, within: name });
  if ("why" in found) {
    const why = `${file}: ${found.why}${hint === undefined ? "" : `; ${hint}`}`;
    if (found.isAmbiguous) throw new InputError(why);
    // Its layers of neurons are not to be found under its names, so truth about them would be blamed.
    if (split !== undefined) throw new InputError(`${file}: ${split}`);
    return why;
  }
  const { others, left, key } = found;
  const notes: string[] = [];
  if (others.length > 0) notes.push(`${file}: '${key}' was taken; --key takes another: ${others.join(", ")}`);
  const isOfOther = (tensor: string) => others.some((other) => dotted(name, tensor).startsWith(`${other}.`));
  // Who names a part knows of the others.
  const beside = left.filter((tensor) => tensor.startsWith(part) && !isOfOther(tensor));
  if (beside.length > 0) {
    const more = beside.length > MOST_NAMED ? `, and ${beside.length - MOST_NAMED} more` : "";
    notes.push(
      `${file}: left aside, since no ${found.network.arch} has it: ${beside.slice(0, MOST_NAMED).join(", ")}${more}`,
    );
  }
  return { ...found, notes };
}

function dotted(name: string, rest: string): string {
  return name === "" ? rest : `${name}.${rest}`;
}
