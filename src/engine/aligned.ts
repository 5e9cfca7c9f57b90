/** The one part of WebAssembly that is used here; the compiler's library without a browser's does not know it. */
declare const WebAssembly: { Memory: new (size: { initial: number }) => { readonly buffer: ArrayBuffer } };

const PAGE = 65_536;

/** A vector of the widest processors, and a line of the cache. */
const LINE = 64;

/**
 * Arrays of zeros, each of which begins at a line of the cache. The runtime reads its operators' filters vector by vector: from
 * an array of JavaScript's own, which begins anywhere, nearly every read touches two lines (docs/benchmarks.md).
 * WebAssembly's memory begins at a page.
 *
 * @param lengths of the arrays, in values
 */
export function alignedArrays(lengths: readonly number[]): Float32Array[] {
  const perLine = LINE / Float32Array.BYTES_PER_ELEMENT;
  const lines = lengths.map((length) => Math.ceil(length / perLine));
  const bytes = lines.reduce((sum, n) => sum + n, 0) * LINE;
  const buffer = memoryOf(bytes);
  let at = 0;
  return lengths.map((length, i) => {
    const array = new Float32Array(buffer, at, length);
    at += lines[i] * LINE;
    return array;
  });
}

/** Each memory reserves gigabytes of addresses, which may be limited: then it is one of JavaScript's own. */
function memoryOf(bytes: number): ArrayBuffer {
  if (bytes === 0) return new ArrayBuffer(0);
  try {
    return new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE) }).buffer;
  } catch {
    return new ArrayBuffer(bytes);
  }
}
