/** Floats of 16 bits: IEEE half precision, and bfloat16, the upper half of a 32-bit float. */

const words = new DataView(new ArrayBuffer(4));

function bitsOf(value: number): number {
  words.setFloat32(0, value);
  return words.getUint32(0);
}

function ofBits(bits: number): number {
  words.setUint32(0, bits);
  return words.getFloat32(0);
}

export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

let halves: Float32Array | undefined;

/** Many of them, by a table. */
export function halvesInto(bits: Uint16Array, out: Float32Array): void {
  halves ??= Float32Array.from({ length: 1 << 16 }, (_, i) => halfToNumber(i));
  for (let i = 0; i < bits.length; i++) out[i] = halves[bits[i]];
}

/** Rounded to the nearest half, ties to even; beyond the largest, infinity. */
export function numberToHalf(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size >= 65_520) return sign | 0x7c00;
  // Steps of the binade that the value lies in; below 2⁻¹⁴ they are those of the smallest.
  const exponent = Math.max(-14, Math.floor(Math.log2(size || 2 ** -24)));
  const steps = roundToEven(size / 2 ** (exponent - 10));
  // A carry into the next binade has the right bits by itself.
  return sign | (exponent === -14 ? steps : ((exponent + 14) << 10) + steps);
}

/** To the nearest whole number, ties to the even one. @param value at least 0 */
export function roundToEven(value: number): number {
  const low = Math.floor(value);
  const rest = value - low;
  return rest > 0.5 || (rest === 0.5 && low % 2 === 1) ? low + 1 : low;
}

export function brainToNumber(bits: number): number {
  return ofBits((bits << 16) >>> 0);
}

/** Many of them. */
export function brainsInto(bits: Uint16Array, out: Float32Array): void {
  const upper = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < bits.length; i++) upper[i] = bits[i] << 16;
}

/** Rounded to the nearest bfloat16, ties to even. */
export function numberToBrain(value: number): number {
  if (Number.isNaN(value)) return 0x7fc0;
  const bits = bitsOf(value);
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}
