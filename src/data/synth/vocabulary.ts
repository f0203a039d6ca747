/**
 * What the synthetic world is made of: colours, shapes, digits and words, and which colour each of them never has in
 * the training split. Kept small so that a small model can learn all of it.
 */

/** The colours of things, as RGB in 0..255, far apart from each other and from the dark backgrounds. */
export const colours = {
  red: [226, 36, 36],
  orange: [255, 138, 0],
  yellow: [250, 228, 40],
  green: [36, 184, 62],
  cyan: [40, 216, 230],
  blue: [44, 84, 255],
  purple: [170, 56, 220],
  white: [244, 244, 244],
} as const satisfies Record<string, readonly [number, number, number]>;

/** The name of a colour of the world. */
export type Colour = keyof typeof colours;

/** All colours, in a fixed order. */
export const colourNames = Object.keys(colours) as Colour[];

/** All shapes, in a fixed order. */
export const shapeNames = ["circle", "square", "triangle", "star", "diamond", "cross", "ring"] as const;

/** The name of a shape of the world. */
export type Shape = (typeof shapeNames)[number];

/** All words that are shown on screen, in capitals. */
export const screenWords = [
  "SUN",
  "CAT",
  "DOG",
  "KEY",
  "MAP",
  "BOX",
  "BUS",
  "CUP",
  "TREE",
  "FISH",
  "MOON",
  "BIRD",
] as const;

/** All digits that are shown on screen. */
export const screenDigits = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"] as const;

/** What kind of thing is on screen. */
export type Kind = "shape" | "digit" | "word";

/** What a thing is apart from its colour: the shape's name, the digit or the word. */
export type Form = Shape | (typeof screenWords)[number] | (typeof screenDigits)[number];

/** The forms of each kind. */
export const forms: Record<Kind, readonly Form[]> = {
  shape: shapeNames,
  digit: screenDigits,
  word: screenWords,
};

/** Which part of the world a video belongs to: held-out videos contain compositions never seen in training. */
export type Split = "train" | "heldout";

/** Both splits. */
export const splits: readonly Split[] = ["train", "heldout"];

const step: Record<Kind, number> = { shape: 3, digit: 5, word: 3 };
const heldoutColours = new Map<Form, Colour>(
  (Object.keys(forms) as Kind[]).flatMap((kind) =>
    forms[kind].map(
      (form, i) => [form, colourNames[(i * step[kind] + 1) % colourNames.length] as Colour] as const,
    ),
  ),
);

/**
 * The one colour of the eight that a form never has in training: every colour and every form is seen there, 1/8 of
 * their pairs is not.
 */
export function heldoutColour(form: Form): Colour {
  return heldoutColours.get(form) as Colour;
}

/** Whether a form in a colour occurs in held-out videos only. */
export function isHeldoutPair(form: Form, colour: Colour): boolean {
  return heldoutColour(form) === colour;
}

/** The colours that a form may have in a split: all but one in training, all in held-out videos. */
export function allowedColours(form: Form, split: Split): Colour[] {
  return split === "train" ? colourNames.filter((colour) => !isHeldoutPair(form, colour)) : [...colourNames];
}
