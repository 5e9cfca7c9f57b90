/**
 * Signed distance of a point to an outline or a glyph, in the sign's own plane: x right, y down, the sign about one
 * unit in radius; negative inside. Only + − × ÷ and square roots, so every machine draws the same bytes.
 */
export type Shape = (x: number, y: number) => number;

/** A convex polygon as the worst of its half-planes `nx·x + ny·y ≤ distance`. */
function polygon(distance: number, normals: readonly (readonly [number, number])[]): Shape {
  return (x, y) => {
    let worst = -Infinity;
    for (const [nx, ny] of normals) {
      const inside = nx * x + ny * y;
      if (inside > worst) worst = inside;
    }
    return worst - distance;
  };
}

/** Sine of 60°, 45°; cosine and sine of 22.5°. */
const S60 = 0.8660254037844386;
const S45 = Math.SQRT1_2;
const C22 = 0.9238795325112867;
const S22 = 0.3826834323650898;

export const circle: Shape = (x, y) => Math.sqrt(x * x + y * y) - 1;

export const octagon = polygon(
  0.95,
  [1, -1].flatMap((a) => [1, -1].flatMap((b) => [[a * C22, b * S22] as const, [a * S22, b * C22] as const])),
);

/** Square to the frame. */
export const square = polygon(0.88, [
  [1, 0],
  [-1, 0],
  [0, 1],
  [0, -1],
]);

export const diamond = polygon(0.82, [
  [S45, S45],
  [S45, -S45],
  [-S45, S45],
  [-S45, -S45],
]);

/** Point upwards; its centre is shifted so that it fills the same disc as the others. */
const upright = polygon(0.62, [
  [0, 1],
  [S60, -0.5],
  [-S60, -0.5],
]);
export const triangle: Shape = (x, y) => upright(x, y - 0.2);
export const invertedTriangle: Shape = (x, y) => upright(x, -y - 0.2);

function box(halfWidth: number, halfHeight: number, centreX = 0, centreY = 0): Shape {
  return (x, y) => Math.max(Math.abs(x - centreX) - halfWidth, Math.abs(y - centreY) - halfHeight);
}

function union(...shapes: Shape[]): Shape {
  return (x, y) => {
    let nearest = Infinity;
    for (const shape of shapes) nearest = Math.min(nearest, shape(x, y));
    return nearest;
  };
}

/** The glyph turned by 45°. */
function diagonal(shape: Shape): Shape {
  return (x, y) => shape(S45 * (x + y), S45 * (y - x));
}

/** A glyph made `scale` times as large, then pushed down by `dy`. */
export function fitted(shape: Shape, scale: number, dy: number): Shape {
  return (x, y) => scale * shape(x / scale, (y - dy) / scale);
}

export const nothing: Shape = () => Infinity;
export const bar = box(0.58, 0.19);
export const twoPosts = union(box(0.14, 0.5, -0.3), box(0.14, 0.5, 0.3));
export const exclamation = union(box(0.14, 0.34, 0, -0.18), box(0.15, 0.13, 0, 0.4));
export const cross = diagonal(union(box(0.6, 0.15), box(0.15, 0.6)));

/** A right-angled head, its tip at x = −0.62. */
const arrowhead: Shape = (x, y) => Math.max(x + 0.1, S45 * (Math.abs(y) - x - 0.62));
export const arrowLeft = union(box(0.35, 0.15, 0.22), arrowhead);
export const arrowRight: Shape = (x, y) => arrowLeft(-x, y);
export const arrowUp: Shape = (x, y) => arrowLeft(y, x);
export const innerDiamond: Shape = (x, y) => S45 * (Math.abs(x) + Math.abs(y)) - 0.36;
