/** Look-ups: what there is at some seconds, and when some things are there, many times over in one row. */

import type { Draft, QuestionKind } from "./draft.ts";
import { type Phase, phaseFact, phasesOf, placesFact, screenFact } from "./events.ts";
import { visibleAt } from "./scene.ts";
import { clock, definite, factSentence, labelOf, listed } from "./wording.ts";

/** Most seconds or things that a look-up asks about. */
const mostSeconds = 6;

/** Things that a look-up names in all, at most (one second always fits). */
const mostThings = 12;

/** What is on screen at up to six seconds, asked in any order: nearly every word of the reasoning must be looked up. */
export const lookupKind: QuestionKind = ({ scene, random, style }): Draft | null => {
  const all = random.shuffle(Array.from({ length: scene.durationSeconds }, (_, second) => second));
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
