import { InputError } from "../../../core/errors.ts";
import type { Network } from "../../../graph/network.ts";
import { googlenet } from "./googlenet.ts";
import { resnet18 } from "./resnet18.ts";
import { vgg13 } from "./vgg13.ts";
import { vgg16 } from "./vgg16.ts";

/** Builds an architecture at a base width (64 = as published) for a number of classes. */
export type Architecture = (baseWidth: number, classes: number) => Network;

export const ARCHITECTURES: ReadonlyMap<string, Architecture> = new Map([
  ["resnet18", resnet18],
  ["vgg13", vgg13],
  ["vgg16", vgg16],
  ["googlenet", googlenet],
]);

/** The base width of the published networks. */
export const FULL_WIDTH = 64;

/** Splits an architecture name into its family and base width: `resnet18w16` → resnet18, 16. */
export function parseArch(arch: string): { family: string; baseWidth: number } {
  const match = /^([a-z]+?\d*?)(?:w(\d+))?$/.exec(arch);
  if (match && ARCHITECTURES.has(match[1])) {
    const baseWidth = match[2] === undefined ? FULL_WIDTH : Number(match[2]);
    if (baseWidth >= 4 && baseWidth <= 256 && match[2] !== String(FULL_WIDTH)) return { family: match[1], baseWidth };
    throw new InputError(
      `unknown architecture '${arch}': the base width after 'w' is 4 to 256; full width (64) is plain '${match[1]}'`,
    );
  }
  const names = [...ARCHITECTURES.keys()];
  throw new InputError(
    `unknown architecture '${arch}'; valid: ${names.join(", ")}, each with an optional base width such as ${names[0]}w16`,
  );
}

/** The network of an architecture name such as `resnet18` or `resnet18w16`. @throws InputError on an unknown name. */
export function buildNetwork(arch: string, classes: number): Network {
  const { family, baseWidth } = parseArch(arch);
  return ARCHITECTURES.get(family)!(baseWidth, classes);
}
