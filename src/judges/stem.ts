/** English words to their stems, lightly: plurals and the endings of verbs, nothing that changes what a word is. */

const vowel = /[aeiouy]/;
const irregular = new Map(
  Object.entries({
    men: "man",
    women: "woman",
    children: "child",
    people: "person",
    feet: "foot",
    ran: "run",
    went: "go",
    gone: "go",
    goes: "go",
    came: "come",
    took: "take",
    taken: "take",
    threw: "throw",
    thrown: "throw",
    fell: "fall",
    fallen: "fall",
    held: "hold",
    sat: "sit",
    stood: "stand",
    began: "begin",
    begun: "begin",
    broke: "break",
    broken: "break",
    drove: "drive",
    wrote: "write",
    written: "write",
    shown: "show",
    worn: "wear",
    wore: "wear",
    made: "make",
    said: "say",
    spoke: "speak",
    rode: "ride",
    caught: "catch",
    does: "do",
    did: "do",
    has: "have",
    had: "have",
  }),
);

/** Undoes what `-ed` and `-ing` do to a stem: `stopp` to `stop`, `tak` and `take` to one form. */
function repaired(stem: string): string {
  if (/([^aeiouylsz])\1$/.test(stem)) return stem.slice(0, -1);
  return stem;
}

/** The stem of a lower-case word; what is no word of letters is given back as it is. */
export function stem(word: string): string {
  const known = irregular.get(word);
  if (known !== undefined) return cutE(known);
  if (!/^[a-z'’-]+$/.test(word)) return word;
  let base = word.replace(/['’]s?$/, "");
  if (/(?:ss|x|ch|sh|zz|o)es$/.test(base)) base = base.slice(0, -2);
  else if (/ies$/.test(base) && base.length > 4) base = `${base.slice(0, -3)}y`;
  else if (/[^su]s$/.test(base) && base.length > 3) base = base.slice(0, -1);
  const ending = /(?:ing|ed)$/.exec(base);
  if (ending !== null) {
    const rest = base.slice(0, ending.index);
    if (rest.length > 2 && vowel.test(rest))
      base = /i$/.test(rest) ? `${rest.slice(0, -1)}y` : repaired(rest);
  }
  return cutE(base);
}

/** A last `e` tells nothing: `moving` lost the one that `move` has. */
function cutE(word: string): string {
  return word.length > 3 && word.endsWith("e") ? word.slice(0, -1) : word;
}
