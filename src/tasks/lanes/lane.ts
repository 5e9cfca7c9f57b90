/** The picture that labels are written for: TuSimple's. */
export const FRAME = { height: 720, width: 1280 } as const;

/** x of a lane at a row where it is not seen, as TuSimple writes it. */
export const ABSENT = -2;

/** x of one lane in pixels of a 1280×720 picture, one at each row of its frame; negative where it is not seen. */
export type Lane = readonly number[];

/** The lanes of one frame. */
export interface LaneLabels {
  /** y in pixels of a 1280×720 picture, ascending. */
  rows: readonly number[];
  /** Each as long as `rows`. */
  lanes: readonly Lane[];
}

/** Frames at the size of a network: uint8 RGB, channel-major `[n, 3, height, width]`, with the labels of each. */
export interface LaneSet {
  count: number;
  height: number;
  width: number;
  pixels: Uint8Array;
  labels: LaneLabels[];
}

/** Whether a lane is seen at a row. */
export function isSeen(x: number): boolean {
  return x >= 0;
}

/** The lanes that are seen somewhere. A list that is absent at every row is no lane, but the metric would count it as one. */
export function seenLanes(lanes: readonly Lane[]): Lane[] {
  return lanes.filter((lane) => lane.some(isSeen));
}
