import type { Network } from "../../../graph/network.ts";
import { type Architecture, buildNetworkIn } from "../../architectures.ts";
import { googlenet } from "./googlenet.ts";
import { resnet18 } from "./resnet18.ts";
import { vgg13 } from "./vgg13.ts";
import { vgg16 } from "./vgg16.ts";

export const ARCHITECTURES: ReadonlyMap<string, Architecture> = new Map([
  ["resnet18", resnet18],
  ["vgg13", vgg13],
  ["vgg16", vgg16],
  ["googlenet", googlenet],
]);

/** The classifier of an architecture name such as `resnet18` or `resnet18w16`. @throws InputError on an unknown name. */
export function buildNetwork(arch: string, classes: number): Network {
  return buildNetworkIn(ARCHITECTURES, arch, classes);
}
