import { buffer } from "node:stream/consumers";
import { openPromise, type ZipFile } from "yauzl";
import { InputError } from "../../core/errors.ts";
import { decodeNpy, type NpyArray } from "../../tensor/npy.ts";

const MOST_ENTRIES = 64;
/** Of all arrays together, unpacked. */
const MOST_BYTES = 1 << 30;
/** No pictures pack so well; small arrays, as of one label, may. */
const MOST_RATIO = 200;
const SMALL_BYTES = 1 << 24;

/**
 * Reads the arrays of a `.npz`, as `numpy.savez` or `savez_compressed` writes it, by name.
 *
 * @throws InputError where it is damaged, or larger than a sample of images need be
 */
export async function readNpz(path: string): Promise<Map<string, NpyArray>> {
  const refuse = (text: string) => new InputError(`${path}: is no .npz that can be read: ${text}`);
  let zip: ZipFile;
  try {
    zip = await openPromise(path, { lazyEntries: true, autoClose: false });
  } catch (error) {
    throw refuse((error as Error).message);
  }
  try {
    if (zip.entryCount > MOST_ENTRIES) throw refuse(`it has ${zip.entryCount} entries`);
    const arrays = new Map<string, NpyArray>();
    let total = 0;
    for await (const entry of zip.eachEntry()) {
      if (!entry.fileName.endsWith(".npy")) continue;
      const name = entry.fileName.slice(0, -".npy".length);
      total += entry.uncompressedSize;
      if (total > MOST_BYTES) throw refuse("its arrays are larger than 1 GB; give a sample");
      if (entry.uncompressedSize > Math.max(SMALL_BYTES, MOST_RATIO * entry.compressedSize)) {
        throw refuse(`'${name}' unpacks to more than ${MOST_RATIO} times its size, as no pictures do`);
      }
      // The stream ends in an error where an entry unpacks to another size than it states.
      const bytes = await buffer(await zip.openReadStreamPromise(entry));
      arrays.set(name, decodeNpy(bytes, `${path}: ${name}`));
    }
    return arrays;
  } catch (error) {
    throw error instanceof InputError ? error : refuse((error as Error).message);
  } finally {
    zip.close();
  }
}
