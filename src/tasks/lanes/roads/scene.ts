import type { Random } from "../../../core/random.ts";
import { ABSENT, FRAME, type LaneLabels } from "../lane.ts";

/** A camera above a flat road, and the road's course. Pixels are those of a 1280×720 picture, lengths metres. */
export interface Scene {
  /** Row of the horizon. */
  horizon: number;
  /** Focal length in pixels. */
  focal: number;
  /** Of the camera above the road. */
  height: number;
  /** Column towards which the car points. */
  centre: number;
  /** The centre line is `½κZ² + ⅙κ′Z³`: κ in 1/m, κ′ in 1/m². */
  curvature: number;
  curvatureChange: number;
  /** Where the lane boundaries lie, to the right of the camera, ascending. */
  boundaries: number[];
  /** Place of the car's own left boundary in `boundaries`. */
  egoLeft: number;
  /** How far lanes are seen. */
  farthest: number;
}

/** Rows of the labels, as most of TuSimple's files have them. */
export const ROAD_ROWS: readonly number[] = Array.from({ length: 56 }, (_, i) => 160 + 10 * i);

/** A boundary begins to be labelled so far below the horizon, in rows. */
const BELOW_HORIZON = 6;

/** Close to a standard normal number by additions alone, so that it is the same on every machine. */
export function nearlyNormal(random: Random): number {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += random.uniform();
  return sum;
}

/** Shares of frames with 3, 4 and 5 boundaries, as TuSimple's labels have them. */
const SHARE_OF_THREE = 0.42;
const SHARE_OF_FOUR = 0.46;

/** Draws camera and road. The ranges are fitted to TuSimple's 6,408 labels (docs/lanes.md, "The drawn set"). */
export function drawScene(random: Random): Scene {
  const horizon = 238 + 18 * (random.uniform() + random.uniform() + random.uniform() - 1.5);
  const laneWidth = random.between(3.42, 3.78);
  const offset = random.between(-0.41, 0.73);
  const isStraight = random.uniform() < 0.4;
  const [curvature, curvatureChange] = [2.2e-3 * nearlyNormal(random), 1.1e-5 * nearlyNormal(random)];
  const [left, right] = drawCounts(random);
  const boundaries = Array.from({ length: left + right }, (_, i) => offset + (i - left + 0.5) * laneWidth);
  return {
    horizon,
    focal: random.between(900, 1200),
    height: random.between(1.53, 1.71),
    centre: FRAME.width / 2 + random.between(-60, 60),
    curvature: isStraight ? 0 : curvature,
    curvatureChange: isStraight ? 0 : curvatureChange,
    boundaries,
    egoLeft: left - 1,
    farthest: random.between(50, 200),
  };
}

/** How many boundaries lie to the left and to the right. */
function drawCounts(random: Random): [left: number, right: number] {
  const share = random.uniform();
  const isLeft = random.uniform() < 0.5;
  if (share < SHARE_OF_THREE) return isLeft ? [2, 1] : [1, 2];
  if (share < SHARE_OF_THREE + SHARE_OF_FOUR) return [2, 2];
  return isLeft ? [3, 2] : [2, 3];
}

/** How far ahead the road is that is seen at a row below the horizon. */
export function depthAt({ horizon, focal, height }: Scene, row: number): number {
  return (focal * height) / (row - horizon);
}

/** The row at which the road so far ahead is seen. */
export function rowAt({ horizon, focal, height }: Scene, depth: number): number {
  return horizon + (focal * height) / depth;
}

/** The column at which a point of the road is seen. @param lateral from the centre line, to the right */
export function columnAt(scene: Scene, lateral: number, depth: number): number {
  return scene.centre + (scene.focal * (centreLine(scene, depth) + lateral)) / depth;
}

/** The reverse of `columnAt`. */
export function lateralAt(scene: Scene, column: number, depth: number): number {
  return ((column - scene.centre) * depth) / scene.focal - centreLine(scene, depth);
}

function centreLine({ curvature, curvatureChange }: Scene, depth: number): number {
  return (curvature / 2 + (curvatureChange * depth) / 6) * depth * depth;
}

/** A lane with fewer points is not labelled. */
const FEWEST_POINTS = 3;

/** Labels of a scene: each boundary where it is in the picture and near enough, through dashes, wear and cars. Not rounded. */
export function labelsOf(scene: Scene): LaneLabels {
  const lanes = scene.boundaries.map((lateral) =>
    ROAD_ROWS.map((row) => {
      if (row <= scene.horizon + BELOW_HORIZON) return ABSENT;
      const depth = depthAt(scene, row);
      const x = columnAt(scene, lateral, depth);
      return depth < scene.farthest && x >= 0 && x < FRAME.width ? x : ABSENT;
    }),
  );
  return { rows: ROAD_ROWS, lanes: lanes.filter((lane) => lane.filter((x) => x >= 0).length >= FEWEST_POINTS) };
}
