/** Rows that practise one skill many times over: finding a second, finding a thing, going through options. */

import type { Random } from "../../base/index.ts";
import { optionLetter } from "../../trace/index.ts";
import type { Draft, QuestionKind } from "./draft.ts";
import { type Phase, phaseFact, phasesOf, placesFact, screenFact } from "./events.ts";
import { conclude, type SceneQuestion } from "./reasoning.ts";
import { type Scene, secondsOf, visibleAt } from "./scene.ts";
import { allowedColours, colourNames, screenDigits, screenWords, shapeNames } from "./vocabulary.ts";
import { clock, definite, factSentence, labelOf, listed } from "./wording.ts";

/** Most seconds or things that a look-up asks about. */
const mostSeconds = 6;

/** Things that a look-up names in all, at most (one second always fits). */
const mostThings = 12;

/** What is on screen at up to six seconds, asked in any order: nearly every word of the reasoning must be looked up. */
export const lookupKind: QuestionKind = ({ scene, random, style }): Draft | null => {
  const all = random.shuffle(secondsOf(scene));
  const asked: number[] = [];
  let things = 0;
  for (const second of all.slice(0, random.integer(1, mostSeconds + 1))) {
    things += visibleAt(scene, second).length;
    if (asked.length > 0 && things > mostThings) break;
    asked.push(second);
  }
  const last = asked.at(-1);
  if (last === undefined) return null;
  const count = visibleAt(scene, last).reduce((sum, { paths }) => sum + paths.length, 0);
  const times = listed(asked.map(clock));
  return {
    category: "look-up",
    momentary: asked.length === 1,
    question:
      asked.length === 1
        ? `What is where on screen at ${times}, and how many things are there?`
        : `What is where on screen at ${times}, and how many things are there at the last of these?`,
    answer: String(count),
    open: "number",
    distractors: [],
    facts: asked.map((second) => placesFact(scene, second) ?? screenFact(scene, second, style)),
    inOrderAsked: true,
  };
};

/** When each of up to six things is on screen: the other way round. */
export const whenSeenKind: QuestionKind = ({ scene, random, style }): Draft | null => {
  const phases = scene.entities.flatMap(phasesOf);
  const name = (phase: Phase): string => labelOf(phase.entity, phase.start);
  const alone = phases.filter((phase) => phases.filter((other) => name(other) === name(phase)).length === 1);
  const asked = random.shuffle(alone).slice(0, random.integer(1, mostSeconds + 1));
  const last = asked.at(-1);
  if (last === undefined) return null;
  const things = listed(asked.map((phase) => definite(name(phase))));
  return {
    category: "when-seen",
    momentary: false,
    question:
      asked.length === 1
        ? `From when on can ${things} be seen?`
        : `When can ${things} be seen, and from when on the last of these?`,
    answer: clock(last.start),
    open: "time",
    distractors: [],
    facts: [],
    // The thing before its time: what is known first.
    because: asked.map((phase) => factSentence(phaseFact(phase, style), { ...style, order: 1 })).join(" "),
  };
};

/** Most options of a row that goes through options. */
const mostOptions = 6;

/** Most of them that are asked for. */
const mostAsked = 4;

/**
 * Rows that repeat what is asked and go through the options: all that they teach is to find words in the
 * prompt and to repeat them, which everything else rests on. They have nothing to do with the video.
 */
export function makeOptionRows(random: Random, scene: Scene, count: number): SceneQuestion[] {
  const rows = Math.floor(count) + (random.uniform() < count % 1 ? 1 : 0);
  const pools: readonly (readonly string[])[] = [
    colourNames,
    shapeNames,
    screenWords,
    screenDigits,
    Array.from({ length: 64 }, (_, second) => clock(second)),
    shapeNames.flatMap((form) => allowedColours(form, scene.split).map((colour) => `${colour} ${form}`)),
  ];
  return Array.from({ length: rows }, () => {
    const pool = random.uniform() < 0.6 ? random.pick(pools) : pools.flat();
    const options = random
      .sample(pool, Math.min(pool.length, random.integer(2, mostOptions + 1)))
      .map((text, index) => ({ letter: optionLetter(index), text }));
    const asked = random.sample(options, Math.min(mostAsked, options.length));
    const last = asked.at(-1) ?? { letter: "", text: "" };
    const named = listed(asked.map(({ text }) => text));
    const all = listed(options.map(({ letter, text }) => `(${letter}) ${text}`));
    return {
      category: "options",
      momentary: false,
      question: `Which options are ${named}, and which is the last of these?`,
      answerType: "choice",
      options,
      answer: last.letter,
      answerText: last.text,
      reasoning: `Of ${all}, ${named} are asked. ${conclude(random, last.text, options)}`,
    };
  });
}
