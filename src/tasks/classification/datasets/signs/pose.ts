import type { Random } from "../../../../core/random.ts";

/**
 * Where a sign hangs. With (u, v) = pixel − centre, its plane's coordinates are
 * `x = (a·u + b·v)/w`, `y = (c·u + d·v)/w`, `w = 1 + tiltX·u + tiltY·v`.
 */
export interface Pose {
  centreX: number;
  centreY: number;
  a: number;
  b: number;
  c: number;
  d: number;
  tiltX: number;
  tiltY: number;
  /** How many units of the sign's plane one pixel spans. */
  pixel: number;
}

/** A random shift, size, turn, shear and perspective for an image of `size` × `size` pixels. */
export function drawPose(random: Random, size: number): Pose {
  const centre = (size - 1) / 2;
  const centreX = centre + size * random.between(-0.08, 0.08);
  const centreY = centre + size * random.between(-0.08, 0.08);
  const radius = size * random.between(0.28, 0.42);
  const stretch = random.between(0.86, 1.16);
  // t = tan(θ/2), |θ| ≤ 17°: cosine and sine without functions whose last bit may differ between machines.
  const t = random.between(-0.15, 0.15);
  const cosine = (1 - t * t) / (1 + t * t);
  const sine = (2 * t) / (1 + t * t);
  const shear = random.between(-0.15, 0.15);
  return {
    centreX,
    centreY,
    a: (cosine + shear * sine) / (radius * stretch),
    b: (sine - shear * cosine) / (radius * stretch),
    c: -sine / radius,
    d: cosine / radius,
    tiltX: random.between(-0.16, 0.16) / radius,
    tiltY: random.between(-0.16, 0.16) / radius,
    pixel: 1 / radius,
  };
}
