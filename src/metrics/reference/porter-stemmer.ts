/**
 * Porter's stemmer (Porter 1980, "An algorithm for suffix stripping") with the changes that NLTK makes by
 * default, since the `rouge_score` package stems with NLTK's.
 */

const irregular = new Map(
  Object.entries({
    skies: "sky",
    sky: "sky",
    dying: "die",
    lying: "lie",
    tying: "tie",
    news: "news",
    innings: "inning",
    inning: "inning",
    outings: "outing",
    outing: "outing",
    cannings: "canning",
    canning: "canning",
    howe: "howe",
    proceed: "proceed",
    exceed: "exceed",
    succeed: "succeed",
  }),
);

/** `c` or `v` for every character; `y` is a consonant at the start and after a vowel. */
function shape(word: string): string {
  let flags = "";
  for (let i = 0; i < word.length; i++) {
    const letter = word[i] as string;
    const vowel = "aeiou".includes(letter) || (letter === "y" && i > 0 && flags[i - 1] === "c");
    flags += vowel ? "v" : "c";
  }
  return flags;
}

const measure = (stem: string) => shape(stem).split("vc").length - 1;
const positive = (stem: string) => measure(stem) > 0;
const aboveOne = (stem: string) => measure(stem) > 1;

function endsDoubleConsonant(word: string): boolean {
  return word.length >= 2 && word.at(-1) === word.at(-2) && shape(word).endsWith("c");
}

function endsConsonantVowelConsonant(word: string): boolean {
  const flags = shape(word);
  return (flags.endsWith("cvc") && !/[wxy]$/.test(word)) || flags === "vc";
}

type Rule = readonly [suffix: string, replacement: string, condition?: (stem: string) => boolean];

/** Applies the first rule whose suffix fits; if its condition does not hold, none. */
function apply(word: string, rules: readonly Rule[]): string {
  const rule = rules.find(([suffix]) => word.endsWith(suffix));
  if (!rule) return word;
  const [suffix, replacement, condition] = rule;
  const stem = word.slice(0, word.length - suffix.length);
  return !condition || condition(stem) ? stem + replacement : word;
}

const plural = (word: string) =>
  word.length === 4 && word.endsWith("ies")
    ? word.slice(0, -1)
    : apply(word, [
        ["sses", "ss"],
        ["ies", "i"],
        ["ss", "ss"],
        ["s", ""],
      ]); // prettier

function past(word: string): string {
  if (word.endsWith("ied")) return word.length === 4 ? word.slice(0, -1) : word.slice(0, -2);
  if (word.endsWith("eed")) return positive(word.slice(0, -3)) ? word.slice(0, -1) : word;
  const suffix = ["ed", "ing"].find(
    (end) => word.endsWith(end) && shape(word.slice(0, -end.length)).includes("v"),
  );
  if (suffix === undefined) return word;
  const stem = word.slice(0, -suffix.length);
  if (/(?:at|bl|iz)$/.test(stem)) return `${stem}e`;
  if (endsDoubleConsonant(stem)) return /[lsz]$/.test(stem) ? stem : stem.slice(0, -1);
  return measure(stem) === 1 && endsConsonantVowelConsonant(stem) ? `${stem}e` : stem;
}

const finalY = (word: string) =>
  apply(word, [["y", "i", (stem) => stem.length > 1 && shape(stem).endsWith("c")]]);

const longSuffixes: readonly Rule[] = [
  ["ational", "ate", positive],
  ["tional", "tion", positive],
  ["enci", "ence", positive],
  ["anci", "ance", positive],
  ["izer", "ize", positive],
  ["bli", "ble", positive],
  ["alli", "al", positive],
  ["entli", "ent", positive],
  ["eli", "e", positive],
  ["ousli", "ous", positive],
  ["ization", "ize", positive],
  ["ation", "ate", positive],
  ["ator", "ate", positive],
  ["alism", "al", positive],
  ["iveness", "ive", positive],
  ["fulness", "ful", positive],
  ["ousness", "ous", positive],
  ["aliti", "al", positive],
  ["iviti", "ive", positive],
  ["biliti", "ble", positive],
  ["fulli", "ful", positive],
  ["logi", "log", (stem) => positive(`${stem}l`)],
];

function doubleSuffix(word: string): string {
  if (word.endsWith("alli") && positive(word.slice(0, -4))) return doubleSuffix(word.slice(0, -2));
  return apply(word, longSuffixes);
}

const shortSuffixes: readonly Rule[] = [
  ["icate", "ic", positive],
  ["ative", "", positive],
  ["alize", "al", positive],
  ["iciti", "ic", positive],
  ["ical", "ic", positive],
  ["ful", "", positive],
  ["ness", "", positive],
];

const endings: readonly Rule[] = [
  ...["al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent"].map(
    (suffix): Rule => [suffix, "", aboveOne],
  ),
  ["ion", "", (stem) => aboveOne(stem) && /[st]$/.test(stem)],
  ...["ou", "ism", "ate", "iti", "ous", "ive", "ize"].map((suffix): Rule => [suffix, "", aboveOne]),
];

function finalE(word: string): string {
  if (!word.endsWith("e")) return word;
  const stem = word.slice(0, -1);
  const drop = aboveOne(stem) || (measure(stem) === 1 && !endsConsonantVowelConsonant(stem));
  return drop ? stem : word;
}

const finalL = (word: string) =>
  word.endsWith("ll") && aboveOne(word.slice(0, -1)) ? word.slice(0, -1) : word;

/** The stem of a lower-case word. */
export function porterStem(word: string): string {
  const known = irregular.get(word);
  if (known !== undefined) return known;
  if (word.length <= 2) return word;
  const stem = doubleSuffix(finalY(past(plural(word))));
  return finalL(finalE(apply(apply(stem, shortSuffixes), endings)));
}
