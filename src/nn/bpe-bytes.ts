/**
 * The alphabet of byte-level tokenizers: every byte has one printable character, so that any text is a
 * sequence of vocabulary characters and nothing is unknown (Radford et al., GPT-2, 2019).
 * Bytes that are already printable Latin-1 stand for themselves; the others take U+0100 onwards in order.
 */

const chars: string[] = [];
const bytes = new Map<string, number>();
let spare = 0;
for (let byte = 0; byte < 256; byte++) {
  const printable =
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
  const char = String.fromCharCode(printable ? byte : 0x100 + spare++);
  chars.push(char);
  bytes.set(char, byte);
}

/** The character of each byte, 256 of them in the order of the bytes. */
export const BYTE_CHARS: readonly string[] = chars;

/** The bytes that a vocabulary entry stands for, or undefined if it has a character outside the alphabet. */
export function tokenBytes(token: string): Uint8Array | undefined {
  const result = new Uint8Array(token.length);
  for (let i = 0; i < token.length; i++) {
    const byte = bytes.get(token.charAt(i));
    if (byte === undefined) return undefined;
    result[i] = byte;
  }
  return result;
}
