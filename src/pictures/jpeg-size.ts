const SCAN = 0xda;
/** Markers without a length: TEM, restarts, and the start of a picture. */
const isBare = (marker: number) => marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8);
/** The frame headers SOF0 … SOF15 without DHT, JPG and DAC. */
const isFrame = (marker: number) => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

/**
 * The size that a JPEG's header declares, read without decoding anything.
 *
 * @returns pixels; null where the bytes are no JPEG, or end before a frame header
 */
export function jpegSize(bytes: Uint8Array): { width: number; height: number } | null {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return null;
  for (let at = 2; at + 8 < bytes.length; ) {
    const marker = bytes[at + 1];
    if (bytes[at] !== 0xff) return null;
    if (marker === 0xff) at++;
    else if (isBare(marker)) at += 2;
    else if (marker === SCAN) return null;
    else if (isFrame(marker)) {
      return { height: (bytes[at + 5] << 8) | bytes[at + 6], width: (bytes[at + 7] << 8) | bytes[at + 8] };
    } else at += 2 + ((bytes[at + 2] << 8) | bytes[at + 3]);
  }
  return null;
}
