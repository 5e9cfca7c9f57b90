import type { Network } from "../../../graph/network.ts";
import { vgg } from "./vgg.ts";

/**
 * VGG-16 with batch norm for 32×32 images: 13 convolutions; 14,728,266 parameters at base width 64 for 10 classes
 * (docs/methods.md §4.1).
 */
export function vgg16(baseWidth: number, classes: number): Network {
  return vgg("vgg16", [2, 2, 3, 3, 3], baseWidth, classes);
}
