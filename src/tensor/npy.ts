/** NumPy's `.npy` container, version 1.0: magic, header length, a Python dict as text padded to 64 bytes, raw data. */

const MAGIC = [0x93, ...new TextEncoder().encode("NUMPY"), 1, 0];
const ALIGNMENT = 64;

/** Encodes unsigned bytes in C order under a shape. @throws Error where the shape does not fit. */
export function encodeNpy(data: Uint8Array, shape: readonly number[]): Uint8Array {
  if (shape.reduce((product, n) => product * n, 1) !== data.length) {
    throw new Error(`${data.length} values do not fit the shape ${shape.join("×")}`);
  }
  const sides = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const text = `{'descr': '|u1', 'fortran_order': False, 'shape': (${sides}), }`;
  const start = MAGIC.length + 2;
  // The header ends in a newline.
  const length = Math.ceil((start + text.length + 1) / ALIGNMENT) * ALIGNMENT - start;
  const file = new Uint8Array(start + length + data.length);
  file.set(MAGIC);
  new DataView(file.buffer).setUint16(MAGIC.length, length, true);
  file.set(new TextEncoder().encode(`${text.padEnd(length - 1)}\n`), start);
  file.set(data, start + length);
  return file;
}
