import { CHANNELS } from "../../../src/pictures/picture.ts";
import { REDUCED_INPUT } from "../../../src/tasks/lanes/dataset.ts";
import type { LaneSet } from "../../../src/tasks/lanes/lane.ts";
import { drawRoads, roadLabels } from "../../../src/tasks/lanes/roads/draw.ts";
import { ROADS_FRAMES, ROADS_SEED } from "../../../src/tasks/lanes/roads/frames.ts";

const SPLIT = "test";
const { height, width } = REDUCED_INPUT;
const SIZE = CHANNELS * height * width;

/** The test frames of `roads`, each drawn when somebody looks at it: the same bytes as the records' frames have. */
export class Roads {
  readonly count = ROADS_FRAMES.test;
  readonly height = height;
  readonly width = width;
  readonly labels = roadLabels(ROADS_FRAMES.test, ROADS_SEED, SPLIT);
  private readonly pixels = new Uint8Array(ROADS_FRAMES.test * SIZE);
  private readonly isDrawn = new Uint8Array(ROADS_FRAMES.test);

  /** One frame, as a view of the set's pixels. */
  frame(i: number): Uint8Array {
    const found = this.pixels.subarray(i * SIZE, (i + 1) * SIZE);
    if (!this.isDrawn[i]) {
      found.set(drawRoads(1, ROADS_SEED, SPLIT, REDUCED_INPUT, i));
      this.isDrawn[i] = 1;
    }
    return found;
  }

  one(i: number): LaneSet {
    return { count: 1, height, width, pixels: this.frame(i), labels: [this.labels[i]] };
  }

  /** The first frames; the page stays awake while they are drawn. @returns null where `goOn` said no on the way */
  async first(count: number, goOn: () => boolean): Promise<LaneSet | null> {
    for (let i = 0; i < count; i++) {
      if (this.isDrawn[i]) continue;
      await new Promise((next) => setTimeout(next, 0));
      if (!goOn()) return null;
      this.frame(i);
    }
    return { count, height, width, pixels: this.pixels.subarray(0, count * SIZE), labels: this.labels.slice(0, count) };
  }
}
