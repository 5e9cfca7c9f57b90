import {
  arrowLeft,
  arrowRight,
  arrowUp,
  bar,
  circle,
  cross,
  diamond,
  exclamation,
  fitted,
  innerDiamond,
  invertedTriangle,
  nothing,
  octagon,
  type Shape,
  square,
  triangle,
  twoPosts,
} from "./shapes.ts";

export type Colour = readonly [red: number, green: number, blue: number];

/** Colours of a sign, 0 … 255: its rim, its face and what is drawn on the face. */
export interface Scheme {
  rim: Colour;
  face: Colour;
  symbol: Colour;
}

const WHITE: Colour = [228, 228, 222];
const BLACK: Colour = [28, 28, 30];
const RED: Colour = [190, 30, 38];
const BLUE: Colour = [30, 80, 175];
const YELLOW: Colour = [228, 185, 40];
const GREEN: Colour = [25, 125, 75];

const WARNING: Scheme = { rim: RED, face: WHITE, symbol: BLACK };
const ORDER: Scheme = { rim: WHITE, face: BLUE, symbol: WHITE };
const BAN: Scheme = { rim: WHITE, face: RED, symbol: WHITE };
const WORKS: Scheme = { rim: BLACK, face: YELLOW, symbol: BLACK };
const GUIDE: Scheme = { rim: WHITE, face: GREEN, symbol: WHITE };

export interface SignClass {
  name: string;
  outline: Shape;
  symbol: Shape;
  /** One of these is drawn, each as likely. Every scheme serves six classes, so colour alone cannot decide. */
  schemes: readonly [Scheme, Scheme, Scheme];
}

/** The ten classes, in label order. Outlines and symbols are shared too: only the pair tells the class. */
export const SIGN_CLASSES: readonly SignClass[] = [
  { name: "keep left", outline: circle, symbol: arrowLeft, schemes: [ORDER, WARNING, GUIDE] },
  { name: "keep right", outline: circle, symbol: arrowRight, schemes: [ORDER, WARNING, GUIDE] },
  { name: "no entry", outline: circle, symbol: bar, schemes: [BAN, WARNING, WORKS] },
  { name: "no stopping", outline: circle, symbol: cross, schemes: [BAN, ORDER, WORKS] },
  { name: "danger", outline: triangle, symbol: fitted(exclamation, 0.9, 0.12), schemes: [WARNING, WORKS, BAN] },
  { name: "crossroads", outline: triangle, symbol: fitted(cross, 0.75, 0.2), schemes: [WARNING, WORKS, GUIDE] },
  { name: "give way", outline: invertedTriangle, symbol: nothing, schemes: [WARNING, BAN, ORDER] },
  { name: "halt", outline: octagon, symbol: twoPosts, schemes: [BAN, GUIDE, ORDER] },
  { name: "priority", outline: diamond, symbol: innerDiamond, schemes: [WORKS, GUIDE, BAN] },
  { name: "one way", outline: square, symbol: arrowUp, schemes: [ORDER, GUIDE, WORKS] },
];
