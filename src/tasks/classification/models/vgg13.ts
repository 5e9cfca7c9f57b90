import type { Network } from "../../../graph/network.ts";
import { vgg } from "./vgg.ts";

/**
 * VGG-13 with batch norm for 32×32 images: 10 convolutions; 9,416,010 parameters at base width 64 for 10 classes
 * (docs/methods.md §4.1).
 */
export function vgg13(baseWidth: number, classes: number): Network {
  return vgg("vgg13", [2, 2, 2, 2, 2], baseWidth, classes);
}
