import { suggestion } from "../core/closest.ts";
import { InputError } from "../core/errors.ts";
import type { Network } from "../graph/network.ts";

/** Builds an architecture at a base width (64 = as published). @param targets of a classifier its classes; other tasks' outputs are fixed */
export type Architecture = (baseWidth: number, targets: number) => Network;

export type Architectures = ReadonlyMap<string, Architecture>;

/** The base width of the published networks. */
export const FULL_WIDTH = 64;

/** Splits an architecture name into its family and base width: `resnet18w16` → resnet18, 16. Some have no width but their names'. @throws InputError on an unknown name */
export function parseArchIn(architectures: Architectures, arch: string): { family: string; baseWidth: number } {
  if (architectures.has(arch)) return { family: arch, baseWidth: FULL_WIDTH };
  const match = /^([a-z]+?\d*?)(?:w(\d+))?$/.exec(arch);
  if (match && architectures.has(match[1])) {
    const baseWidth = match[2] === undefined ? FULL_WIDTH : Number(match[2]);
    if (baseWidth >= 4 && baseWidth <= 256 && match[2] !== String(FULL_WIDTH)) return { family: match[1], baseWidth };
    throw new InputError(
      `unknown architecture '${arch}': the base width after 'w' is 4 to 256; full width (64) is plain '${match[1]}'`,
    );
  }
  const names = [...architectures.keys()];
  const families = names.filter((name) => /^[a-z]+\d*$/.test(name));
  const valid = [
    ...(families.length > 0
      ? [`${families.join(", ")}, each with an optional base width such as ${families[0]}w16`]
      : []),
    ...names.filter((name) => !families.includes(name)),
  ];
  throw new InputError(`unknown architecture '${arch}'${suggestion(arch, names)}; valid: ${valid.join(", ")}`);
}

/** The network of an architecture name such as `resnet18` or `resnet18w16`. @throws InputError on an unknown name. */
export function buildNetworkIn(architectures: Architectures, arch: string, targets: number): Network {
  const { family, baseWidth } = parseArchIn(architectures, arch);
  return architectures.get(family)!(baseWidth, targets);
}
