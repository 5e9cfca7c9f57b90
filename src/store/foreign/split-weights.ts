import { type RawTensor, type RawTensors, tensorValues, wholeValues, withValues } from "../../tensor/safetensors.ts";

/** Weights that PyTorch keeps in parts, since something makes them anew in every forward pass. */

/** Names of parts behind that of the weight; the first says that there are parts. */
const ORIGINAL = "_orig";
const MASK = "_mask";

/** What splits weights otherwise, by the names of its first part, and what joins them in PyTorch. */
const OTHERS: { part: RegExp; by: string; mend: string }[] = [
  { part: /(^|\.)weight_g$/, by: "weight_norm", mend: "torch.nn.utils.remove_weight_norm(module)" },
  {
    part: /(^|\.)parametrizations\.weight\.original\d?$/,
    by: "torch.nn.utils.parametrizations",
    mend: 'torch.nn.utils.parametrize.remove_parametrizations(module, "weight")',
  },
  { part: /(^|\.)weight_u$/, by: "spectral_norm", mend: "torch.nn.utils.remove_spectral_norm(module)" },
  {
    part: /(^|\.)weight_orig$/,
    by: "prune, without their masks",
    mend: 'torch.nn.utils.prune.remove(module, "weight")',
  },
];

/**
 * Joins the weights that `torch.nn.utils.prune` keeps as `weight_orig` and `weight_mask`: weight = original × mask, in the
 * original's own type and place. Nothing else is changed.
 *
 * @returns the tensors, and how many were joined
 */
export function joinPruned(tensors: RawTensors): { tensors: RawTensors; joined: number } {
  const joined: RawTensors = new Map();
  const masks = new Set<string>();
  for (const [name, tensor] of tensors) {
    const whole = name.slice(0, -ORIGINAL.length);
    const mask = name.endsWith(ORIGINAL) && !tensors.has(whole) ? tensors.get(whole + MASK) : undefined;
    const weight = mask && masked(tensor, mask);
    joined.set(weight ? whole : name, weight ?? tensor);
    if (weight) masks.add(whole + MASK);
  }
  for (const mask of masks) joined.delete(mask);
  return { tensors: joined, joined: masks.size };
}

/** Whether some weights are kept as `joinPruned` joins them. */
export function isPruned(tensors: ReadonlyMap<string, { shape: readonly number[] }>): boolean {
  return [...tensors].some(([name, { shape }]) => {
    const mask = tensors.get(name.slice(0, -ORIGINAL.length) + MASK);
    return name.endsWith(ORIGINAL) && mask?.shape.join() === shape.join();
  });
}

/** Null where they are no weight and its mask. */
function masked(original: RawTensor, mask: RawTensor): RawTensor | null {
  if (original.shape.join() !== mask.shape.join()) return null;
  const values = tensorValues(original);
  if (!values) return null;
  const factors = tensorValues(mask) ?? wholeValues(mask);
  return withValues(
    original,
    values.map((value, i) => value * factors[i]),
  );
}

/** A line on weights that are still in parts, with the mend; undefined where all are whole. */
export function splitLine(names: Iterable<string>): string | undefined {
  const all = [...names];
  for (const { part, by, mend } of OTHERS) {
    const name = all.find((name) => part.test(name));
    if (name === undefined) continue;
    return `keeps weights in parts by ${by} ('${name.slice(0, 200)}'): call ${mend} on each such module and save again`;
  }
  return undefined;
}
