import type { Random } from "../../../../core/random.ts";
import { type Canvas, mix } from "./canvas.ts";
import type { Colour } from "./classes.ts";

/** Corners of the coarse grid that shades the background. */
const GRID = 5;

function anyColour(random: Random): Colour {
  // Muted as streets are: a grey with some tint.
  const grey = random.between(30, 215);
  const tint = () => grey + random.between(-60, 60);
  return [tint(), tint(), tint()];
}

/** Fills the whole picture: a shaded ground, then walls, poles and blobs in random colours, into every corner. */
export function drawBackground(random: Random, canvas: Canvas): void {
  shade(random, canvas);
  const pieces = 5 + random.below(7);
  for (let i = 0; i < pieces; i++) drawPiece(random, canvas);
}

function shade(random: Random, { size, values }: Canvas): void {
  const base = anyColour(random);
  const grid = new Float32Array(GRID * GRID);
  for (let c = 0; c < base.length; c++) {
    for (let i = 0; i < grid.length; i++) grid[i] = base[c] + random.between(-35, 35);
    for (let y = 0; y < size; y++) {
      const v = (y / size) * (GRID - 1);
      const row = Math.floor(v);
      for (let x = 0; x < size; x++) {
        const u = (x / size) * (GRID - 1);
        const column = Math.floor(u);
        const at = row * GRID + column;
        const top = grid[at] + (u - column) * (grid[at + 1] - grid[at]);
        const bottom = grid[at + GRID] + (u - column) * (grid[at + GRID + 1] - grid[at + GRID]);
        values[(c * size + y) * size + x] = top + (v - row) * (bottom - top);
      }
    }
  }
}

/** A slanted box (a pole when thin) or a disc, anywhere, half transparent at most. */
function drawPiece(random: Random, canvas: Canvas): void {
  const { size } = canvas;
  const colour = anyColour(random);
  const opacity = random.between(0.5, 1);
  const centreX = random.between(-0.1, 1.1) * size;
  const centreY = random.between(-0.1, 1.1) * size;
  const halfX = random.between(0.03, 0.3) * size;
  const halfY = random.between(0.03, 0.3) * size;
  const slant = random.between(-0.5, 0.5);
  const round = random.uniform() < 0.35;
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const u = x - centreX + slant * (y - centreY);
      const v = y - centreY - slant * (x - centreX);
      const outside = round ? Math.sqrt(u * u + v * v) - halfX : Math.max(Math.abs(u) - halfX, Math.abs(v) - halfY);
      if (outside < 0.5) mix(canvas, y * size + x, colour, opacity * Math.min(1, 0.5 - outside));
    }
  }
}

/** Something in front of the sign, such as a branch or a post: a band or a disc that hides up to a quarter of it. */
export function drawOccluder(random: Random, canvas: Canvas, centreX: number, centreY: number, radius: number): void {
  const { size } = canvas;
  const colour = anyColour(random);
  const t = random.between(-1, 1);
  const normalX = (1 - t * t) / (1 + t * t);
  const normalY = (2 * t) / (1 + t * t);
  const band = random.uniform() < 0.5;
  const side = random.uniform() < 0.5 ? 1 : -1;
  const half = radius * (band ? random.between(0.08, 0.16) : random.between(0.3, 0.5));
  const away = side * radius * (band ? random.between(0, 0.8) : random.between(0.6, 1));
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const u = x - centreX;
      const v = y - centreY;
      const across = normalX * u + normalY * v - away;
      const along = normalX * v - normalY * u;
      const outside = (band ? Math.abs(across) : Math.sqrt(across * across + along * along)) - half;
      if (outside < 0.5) mix(canvas, y * size + x, colour, Math.min(1, 0.5 - outside));
    }
  }
}
