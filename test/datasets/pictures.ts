import type { Picture } from "../../src/pictures/picture.ts";

/** A picture with the value `(37x + 91y + 53c + 7xy) mod 256` at (x, y), channel c. */
export function pattern(width: number, height: number): Picture {
  const rgb = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++) rgb[(y * width + x) * 3 + c] = (37 * x + 91 * y + 53 * c + 7 * x * y) % 256;
    }
  }
  return { width, height, rgb };
}

/** The pattern, or one grey level, as a PPM file. */
export function ppm(width: number, height: number, grey?: number): Buffer {
  const { rgb } = pattern(width, height);
  if (grey !== undefined) rgb.fill(grey);
  return Buffer.concat([Buffer.from(`P6\n${width} ${height}\n255\n`), rgb]);
}
