/**
 * Whether a time written in a text is a time of the video, told from the words around it. Clocks count unless
 * they are times of day, scores, ratios, lengths or what some display shows; amounts with a unit count only
 * where the words make them a moment rather than a length.
 */

import type { TimeAtom } from "./time-atoms.ts";

const about =
  "(?:(?:about|around|approximately|approx\\.?|roughly|exactly|precisely|nearly|almost|just|only|the|~)\\s*)*";

/** `at about `, `[`, `- `: what follows is a moment. */
const introduced = new RegExp(
  String.raw`(?:\b(?:at|from|between|during|around|near|until|till|since|by|before|after|second|timestamps?|times?|timecode|moment)\b|@|[[(<]|^|\n|^\s*(?:[-*•]|\d+[.)])|\n\s*(?:[-*•]|\d+[.)]))\s*:?\s*${about}[*_\`]*$`,
  "i",
);
/** Prepositions that make a time of an amount too: `after 5 seconds` tells a length. */
const momentBefore = new RegExp(
  String.raw`(?:\b(?:at|from|between|around|near|until|till|since|by|second|timestamps?|times?|moment)\b|@|[[(<]|^|\n|^\s*(?:[-*•]|\d+[.)])|\n\s*(?:[-*•]|\d+[.)]))\s*:?\s*${about}[*_\`]*$`,
  "i",
);
const momentAfter =
  /^[\s-]{0,3}(?:mark|point|timestamp|in\s{0,3}[,;:.]|in$|into\b|in\s+(?:the|this)\s+(?:video|clip|footage)|of\s+(?:the|this)\s+(?:video|clip|footage|recording))/i;
const lengthBefore =
  /\b(?:for|last(?:s|ed|ing)?|over|within|takes?|took|every|of|after|in|spans?|duration|than|another|only|next|first|last|final|every|waits?|waited|per)\s*(?:is\s+|a\s+|the\s+)?(?:total\s+of\s+)?(?:about|around|approximately|roughly|exactly|nearly|almost|just)?\s*$/i;
const lengthAfter =
  /^[\s-]{0,3}(?:later|long|apart|earlier|per|of\s+(?!(?:the|this)\s+(?:video|clip|footage))|ago|each|after\b|before\b|remaining|left\b|to\s+go\b|break\b|head\s*start|from\s+now)/i;

/** `in the` 5th second, `during` second 12. */
const ordinalBefore =
  /(?:\b(?:at|in|on|by|during|around|about|from|to|until|between|near|and|through)\s+(?:(?:about|around|the)\s+)*|^\W*)$/i;

const display =
  /\b(?:timer|countdown|stopwatch|clock|wristwatch|watch face|scoreboard|alarm|lock screen|speedometer)\b/i;
const displayed =
  /\b(?:reads?|reading|shows?|showing|displays?|displaying|indicates?|indicating|says?|saying|strikes?|set\s+(?:to|for)|(?:the|a|its|local)\s+time(?:\s+(?:is|was|of|as))?)\s*(?:(?:the|a)\s+time\s*(?:of|as|is)?\s*)?["'“‘]?$/i;
const displayStops =
  /\b(?:stopwatch|timer|countdown|(?:game|shot|play)\s*clock)\b[^,;.]{0,20}\b(?:stop|stopp|is|was|set|start|end|read|count|freez|frozen)\w*\s+(?:(?:down|up|with)\s+)?(?:at|from|to|on)\s*$/i;

/** Nouns and verbs that say what a clock without a preposition is: a score, a ratio, a length, a place in a book. */
const otherMeaning =
  /\b(?:scores?|scored|scoring|scoreline|result|leads?|leading|led|ahead|wins?|won|winning|lost|los(?:es?|ing)|beats?|beat|beating|tied|draws?|drew|defeat\w*|trail(?:s|ed|ing)?|tie-?break|(?:set|match|game)\s+(?:was|is|ended|ends|finished|finishes)|ratios?|odds|scales?|proportions?|aspect|durations?|lengths?|runtime|run(?:ning)?\s+time|lasts?|lasted|lasting|takes|took|runs(?=\s*(?:for\s+)?$)|verses?|chapters?|sections?|psalms?|versions?|articles?|hours|addresses|hexadecimal)\b[^,;.!?]{0,30}$/i;
/** What keeps its meaning even before `at` or `in`. */
const otherDespitePreposition =
  /\b(?:dilut\w*|mix\w*|ratio|scale|proportion|odds|aspect)\b[^,;.]{0,25}\b(?:at|from|between|of)\s*$|\b(?:finish\w*|ran|runs?|complet\w*|swam|swims?|record\w*|clocked|race|won|wins?|solv\w*|time\s+of)\b[^,;.]{0,40}\b(?:in|of)\s*(?:just\s+|only\s+|about\s+)?$/i;
const book =
  /\b(?:John|Matthew|Mark|Luke|Acts|Romans|Genesis|Exodus|Leviticus|Deuteronomy|Psalms?|Proverbs|Isaiah|Jeremiah|Corinthians|Galatians|Ephesians|Hebrews|James|Peter|Revelation|Surah|Sura|Quran)\s+$/;

const weekdayOrDate = String.raw`(?:\b(?:1[89]|20)\d\d(?:[./-]\d{1,2}[./-]\d{1,2})?|\b\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|\b(?:today|tomorrow|tonight|yesterday)\b|\bopening\s+(?:hours|times)\b|\bdaily\b)`;
const dateBefore = new RegExp(
  String.raw`${weekdayOrDate}\s{0,3}[,:T]?\s{0,3}(?:(?:at|from|between|around|by|until)\s{0,3})?$`,
  "i",
);
const timeOfDayAfter =
  /^\s{0,3}(?:[ap]\.?\s?m\b|o['’]?clock|hours\b|hrs\b|in\s+the\s+(?:morning|afternoon|evening)|at\s+night|(?:local|eastern|pacific|central|standard|summer)\s+time|(?:GMT|UTC|CET|EST|PST|EDT)\b|(?:today|tomorrow|tonight|yesterday|sharp)\b|on\s+(?:mon|tues|wednes|thurs|fri|satur|sun)day)/i;
const lengthOrScoreAfter =
  /^[\s-]{0,3}(?:(?:minutes?|mins?|m|h|hours?)?\s*(?:-\s*)?long\b|remaining\b|left\b(?!\s+(?:side|of))|to\s+(?:go|play)\b|on\s+the\s+(?:game|shot|play|match)?\s*clock|in\s+favou?r\b|(?:slower|faster|longer|shorter|quicker|behind|ahead)\b|(?:win|victory|lead|defeat|loss|draw|ratio|scale|aspect|scoreline)\b)/i;
const schedule =
  /\b(?:flight|plane|train|bus|ferry|ship|departs?|departure|appointment|meeting|meet|party|lesson|class|school|shop|store|museum|restaurant|office|bank|library|schedule\w*|timetable|breakfast|lunch|dinner|shift|alarm|wakes?\s+up|gets\s+up|bedtime|sunrise|sunset|check-?in|tickets?|concert|opens?|closes?|invitation)\b[^;.!?]{0,60}$/i;
const optionBefore =
  /\b(?:option|answer|choice)\s+(?:is\s+)?["'*]{0,2}[([]?[A-Z][)\]]?["'*]{0,2}\s*[(:,.=-]{0,2}\s*$/i;

/** `Spain 1:00 Italy`. */
const nameBefore = /[^\s.:;!?]\s+\p{Lu}\p{L}+\s$/u;
const nameAfter = /^\s\p{Lu}\p{Ll}+/u;

/** `8:30`, `16:20`, not `0:42` or `12:34:56`: what may be a time of day. */
const timeOfDay = /^(?:0?[5-9]|1\d|2[0-3]):[0-5]\d$/;

const reach = 90;

function isVideoClock(
  text: string,
  atom: TimeAtom,
  to: number,
  durationSeconds: number | undefined,
): boolean {
  const before = text.slice(Math.max(0, atom.from - reach), atom.from);
  const after = text.slice(to, to + 40);
  if (timeOfDayAfter.test(after) || lengthOrScoreAfter.test(after)) return false;
  if (dateBefore.test(before) || book.test(before) || optionBefore.test(before)) return false;
  if (displayed.test(before) || displayStops.test(before) || otherDespitePreposition.test(before))
    return false;
  if (introduced.test(before)) {
    const written = text.slice(atom.from, atom.to);
    const within = durationSeconds !== undefined && atom.startSeconds <= durationSeconds + 1;
    return within || !(timeOfDay.test(written) && schedule.test(before));
  }
  if (durationSeconds !== undefined && atom.startSeconds > durationSeconds + 2) return false;
  if (nameBefore.test(before) && nameAfter.test(after)) return false;
  const clause = before.slice(before.search(/[^,;]*$/));
  return !otherMeaning.test(before) && !display.test(clause);
}

function isMomentAmount(text: string, from: number, to: number): boolean {
  const before = text.slice(Math.max(0, from - reach), from);
  const after = text.slice(to, to + 40);
  if (displayStops.test(before) || otherDespitePreposition.test(before)) return false;
  if (momentAfter.test(after)) return true;
  if (lengthAfter.test(after) || lengthBefore.test(before)) return false;
  return momentBefore.test(before);
}

/** Whether the words after an amount make it a length: `two seconds later`. */
export const isLengthBy = (after: string): boolean => lengthAfter.test(after);

/**
 * Whether the words around it make a time one of the video.
 *
 * @param to where the time ends, with the second of a pair (`12 to 14 s`)
 */
export function isVideoTime(
  text: string,
  atom: TimeAtom,
  to: number,
  durationSeconds: number | undefined,
): boolean {
  if (atom.kind === "certain") return true;
  if (atom.kind === "ordinal") return ordinalBefore.test(text.slice(Math.max(0, atom.from - 30), atom.from));
  return atom.kind === "clock"
    ? isVideoClock(text, atom, to, durationSeconds)
    : isMomentAmount(text, atom.from, to);
}
