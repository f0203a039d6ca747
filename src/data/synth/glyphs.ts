/** A bitmap font of our own for what is written in the world: digits and capitals, 5 columns by 7 rows. */

/** Columns of a glyph. */
export const glyphWidth = 5;
/** Rows of a glyph. */
export const glyphHeight = 7;

const drawings: Record<string, string> = {
  "0": ".###. #...# #..## #.#.# ##..# #...# .###.",
  "1": "..#.. .##.. ..#.. ..#.. ..#.. ..#.. .###.",
  "2": ".###. #...# ....# ...#. ..#.. .#... #####",
  "3": "####. ....# ....# .###. ....# ....# ####.",
  "4": "...#. ..##. .#.#. #..#. ##### ...#. ...#.",
  "5": "##### #.... ####. ....# ....# #...# .###.",
  "6": ".###. #.... #.... ####. #...# #...# .###.",
  "7": "##### ....# ...#. ..#.. ..#.. ..#.. ..#..",
  "8": ".###. #...# #...# .###. #...# #...# .###.",
  "9": ".###. #...# #...# .#### ....# ....# .###.",
  A: ".###. #...# #...# ##### #...# #...# #...#",
  B: "####. #...# #...# ####. #...# #...# ####.",
  C: ".###. #...# #.... #.... #.... #...# .###.",
  D: "####. #...# #...# #...# #...# #...# ####.",
  E: "##### #.... #.... ####. #.... #.... #####",
  F: "##### #.... #.... ####. #.... #.... #....",
  G: ".###. #...# #.... #.### #...# #...# .###.",
  H: "#...# #...# #...# ##### #...# #...# #...#",
  I: ".###. ..#.. ..#.. ..#.. ..#.. ..#.. .###.",
  K: "#...# #..#. #.#.. ##... #.#.. #..#. #...#",
  M: "#...# ##.## #.#.# #.#.# #...# #...# #...#",
  N: "#...# ##..# ##..# #.#.# #..## #..## #...#",
  O: ".###. #...# #...# #...# #...# #...# .###.",
  P: "####. #...# #...# ####. #.... #.... #....",
  R: "####. #...# #...# ####. #.#.. #..#. #...#",
  S: ".#### #.... #.... .###. ....# ....# ####.",
  T: "##### ..#.. ..#.. ..#.. ..#.. ..#.. ..#..",
  U: "#...# #...# #...# #...# #...# #...# .###.",
  X: "#...# #...# .#.#. ..#.. .#.#. #...# #...#",
  Y: "#...# #...# .#.#. ..#.. ..#.. ..#.. ..#..",
};

const rows = new Map(Object.entries(drawings).map(([character, drawing]) => [character, drawing.split(" ")]));

/** Whether the font has this character. */
export function hasGlyph(character: string): boolean {
  return rows.has(character);
}

/**
 * Whether a text covers a point. Glyphs stand one column apart, so `n` characters are `6 n - 1` columns wide.
 *
 * @param column distance from the text's left edge, in glyph columns, may be fractional
 * @param row distance from its top, in glyph rows
 */
export function inkAt(text: string, column: number, row: number): boolean {
  const c = Math.floor(column);
  const r = Math.floor(row);
  const character = text[Math.floor(c / (glyphWidth + 1))];
  if (character === undefined || c < 0 || r < 0) return false;
  return rows.get(character)?.[r]?.[c % (glyphWidth + 1)] === "#";
}
