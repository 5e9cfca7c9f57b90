import type { Random } from "../core/random.ts";
import type { BlendResult } from "../measure/blend.ts";
import { Adam } from "../tune/adam.ts";

/** How the search for a patch begins and moves (docs/methods.md §10.13). */
export interface PaintingSettings {
  /** Parameters of the mask start at N(−2, this²), those of the pattern at N(0, …²). */
  spread: { mask: number; pattern: number };
  learningRate: number;
}

/** At first a pixel lets an eighth of the pattern through: σ(−2) = 0.12. */
const START = -2;

const BETAS = [0.5, 0.9] as const;

/** An opacity M and a pattern Δ in search: both are sigmoids of parameters that Adam moves. */
export class Painting {
  /** `[height × width]` in (0, 1); changes with every step. */
  readonly opacity: Float32Array;
  /** `[3 × height × width]`, pixels in (0, 1); changes with every step. */
  readonly pattern: Float32Array;
  private readonly mask: Float32Array;
  private readonly paint: Float32Array;
  private readonly optimizers: { mask: Adam; paint: Adam };
  private readonly learningRate: number;

  /** @param plane `height × width` @param size values of an image */
  constructor(plane: number, size: number, { spread, learningRate }: PaintingSettings, random: Random) {
    this.mask = Float32Array.from({ length: plane }, () => START + spread.mask * random.normal());
    this.paint = Float32Array.from({ length: size }, () => spread.pattern * random.normal());
    this.opacity = new Float32Array(plane);
    this.pattern = new Float32Array(size);
    this.optimizers = { mask: new Adam(plane, { betas: BETAS }), paint: new Adam(size, { betas: BETAS }) };
    this.learningRate = learningRate;
    this.show();
  }

  /** ‖M‖₁. */
  get norm(): number {
    return this.opacity.reduce((sum, m) => sum + m, 0);
  }

  /** One step of Adam down the gradient of the loss plus `weight·‖M‖₁`. */
  step({ opacity, pattern }: Pick<BlendResult, "opacity" | "pattern">, weight: number): void {
    const [m, p] = [this.opacity, this.pattern];
    this.optimizers.mask.step(
      this.mask,
      opacity.map((g, i) => (g + weight) * m[i] * (1 - m[i])),
      this.learningRate,
    );
    this.optimizers.paint.step(
      this.paint,
      pattern.map((g, i) => g * p[i] * (1 - p[i])),
      this.learningRate,
    );
    this.show();
  }

  private show(): void {
    for (const [from, to] of [
      [this.mask, this.opacity],
      [this.paint, this.pattern],
    ]) {
      for (let i = 0; i < from.length; i++) to[i] = 1 / (1 + Math.exp(-from[i]));
    }
  }
}
