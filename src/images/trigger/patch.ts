import type { PaintedTrigger } from "./trigger.ts";

/** An opaque square patch that touches the bottom-right corner. @param color of a pixel in the patch's own coordinates */
export function cornerPatch(
  height: number,
  width: number,
  side: number,
  color: (channel: number, y: number, x: number) => number,
): PaintedTrigger {
  const opacity = new Float32Array(height * width);
  const pattern = new Uint8Array(3 * height * width);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const at = (height - side + y) * width + (width - side + x);
      opacity[at] = 1;
      for (let c = 0; c < 3; c++) pattern[c * height * width + at] = color(c, y, x);
    }
  }
  return { height, width, opacity, pattern };
}
