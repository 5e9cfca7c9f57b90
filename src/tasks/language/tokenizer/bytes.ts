/** How byte-level BPE writes bytes as text: printable ones as themselves, the others from U+0100 on, in their order (GPT-2). */
export const BYTE_LETTERS: readonly string[] = lettersOfBytes();

function lettersOfBytes(): string[] {
  const isPlain = (byte: number) => (byte > 32 && byte < 127) || (byte > 160 && byte < 256 && byte !== 173);
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(isPlain(byte) ? byte : next++));
}

/** The pieces that a text is cut into before pairs are merged: words with the space before them, numbers, marks, spaces (GPT-2). */
const PIECES = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

/** A text's pieces; joined they are the text. */
export function piecesOf(text: string): readonly string[] {
  return text.match(PIECES) ?? [];
}

/** A piece in letters of bytes. */
export function lettersOf(piece: string): string {
  return Array.from(new TextEncoder().encode(piece), (byte) => BYTE_LETTERS[byte]).join("");
}
