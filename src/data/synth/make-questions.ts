/** Questions about a scene in their final form: options and letters, reasoning, answer. */

import { invariant, type Random } from "../../base/index.ts";
import { type Option, optionLetter } from "../../trace/index.ts";
import { type Draft, makeContext, type QuestionKind } from "./draft.ts";
import { groundingOf } from "./events.ts";
import { lookupKind, whenSeenKind } from "./lookups.ts";
import * as momentary from "./momentary-questions.ts";
import { conclude, type SceneQuestion } from "./reasoning.ts";
import type { Scene } from "./scene.ts";
import * as story from "./story-questions.ts";
import { factSentence, makeStyle, type Style } from "./wording.ts";

/** What questions have in common, whatever they ask. */
export interface QuestionForm {
  /** Share, of questions that can be asked with options and without, that have none; 0 leaves out those that cannot have any. */
  open: number;
  /** Share of questions with options whose right one comes first; null: options come by lot. */
  firstOption: number | null;
  /** How the reasoning goes; see `WorldOptions.reasoning`. */
  reasoning: "aligned" | "loose";
}

/** Half the questions open, options by lot, reasoning that leads to the answer. */
const defaultForm: QuestionForm = { open: 0.5, firstOption: null, reasoning: "aligned" };

/** Kinds that one moment answers. */
export const momentaryKinds: readonly QuestionKind[] = [
  momentary.colourAtKind,
  momentary.shapeAtKind,
  momentary.wordAtKind,
  momentary.digitAtKind,
  momentary.countAtKind,
  momentary.positionAtKind,
  momentary.objectAtKind,
  momentary.presenceAtKind,
  momentary.subtitleAtKind,
];

/** Kinds that need more than one moment. */
export const storyKinds: readonly QuestionKind[] = [
  story.firstLastKind,
  story.nextKind,
  story.beforeAfterKind,
  story.earliestKind,
  story.countTotalKind,
  story.timesKind,
  story.durationKind,
  story.longerKind,
  story.whenKind,
  story.whenKind,
  story.directionKind,
  story.changeKind,
  story.touchedKind,
  story.happensKind,
  story.subtitleEventKind,
];

/**
 * Draws `count` different questions about a scene, half of them (rounded up) such that one moment answers them, as
 * many kinds as there are before any kind comes again. Fewer where the scene does not have as many, and none where
 * colours have no names.
 */
export function makeQuestions(
  random: Random,
  scene: Scene,
  count: number,
  form: QuestionForm = defaultForm,
): SceneQuestion[] {
  if (scene.entities.some(({ blend }) => blend !== undefined)) return [];
  const first = Math.ceil(count / 2);
  const questions = draw(random.fork("momentary"), scene, momentaryKinds, first, form);
  // Nothing that happens in stills is worth telling.
  if (scene.level > 0)
    questions.push(...draw(random.fork("story"), scene, storyKinds, count - questions.length, form));
  const missing = count - questions.length;
  const known = new Set(questions.map(({ question }) => question));
  if (missing > 0) {
    const more = draw(random.fork("more"), scene, momentaryKinds, count, form);
    questions.push(...more.filter(({ question }) => !known.has(question)).slice(0, missing));
  }
  return questions;
}

/**
 * Up to `count` accounts of all that happens in a scene, in different words; none where too much happens. Of stills,
 * accounts of all that is to be seen at one second.
 */
export function makeTimelines(random: Random, scene: Scene, count: number): SceneQuestion[] {
  const kind = scene.level === 0 ? momentary.stillKind : story.timelineKind;
  return count === 0 ? [] : draw(random.fork("timeline"), scene, [kind], count);
}

/** Up to `count` rows that ask what is on screen at several seconds, or when several things are, in any order. */
export function makeLookups(random: Random, scene: Scene, count: number): SceneQuestion[] {
  return count === 0 ? [] : draw(random, scene, [lookupKind, whenSeenKind], count);
}

function draw(
  random: Random,
  scene: Scene,
  kinds: readonly QuestionKind[],
  count: number,
  form: QuestionForm = defaultForm,
): SceneQuestion[] {
  const questions = new Map<string, SceneQuestion>();
  for (let round = 0; round < 6 && questions.size < count; round++) {
    for (const kind of random.shuffle(withSubtitleKinds(scene, kinds))) {
      if (questions.size >= count) break;
      const style = makeStyle(random);
      const draft = kind(makeContext(scene, random, style));
      if (draft === null || questions.has(draft.question)) continue;
      const question = finish(random, draft, style, scene, form);
      if (question !== null) questions.set(draft.question, question);
    }
  }
  return [...questions.values()];
}

/** Where there are subtitles they are asked about more often than one kind among many would be. */
function withSubtitleKinds(scene: Scene, kinds: readonly QuestionKind[]): readonly QuestionKind[] {
  if (scene.cues.length === 0) return kinds;
  const about = kinds.filter((kind) => kind === momentary.subtitleAtKind || kind === story.subtitleEventKind);
  return [...kinds, ...about, ...about];
}

/** Decides the form: with options about half the time where both forms are possible. */
function finish(
  random: Random,
  draft: Draft,
  style: Style,
  scene: Scene,
  { open, firstOption, reasoning }: QuestionForm,
): SceneQuestion | null {
  invariant(!draft.distractors.includes(draft.answer), `an option repeats the answer of ${draft.question}`);
  const choice = draft.distractors.length > 0 && (draft.open === null || random.uniform() < 1 - open);
  if (!choice && (draft.open === null || open === 0)) return null;
  const options = choice ? makeOptions(random, draft, firstOption) : [];
  const letter = options.find(({ text }) => text === draft.answer)?.letter;
  return {
    category: draft.category,
    momentary: draft.momentary,
    question: draft.question,
    answerType: choice || draft.open === null ? "choice" : draft.open,
    options,
    answer: letter ?? draft.answer,
    answerText: draft.answer,
    reasoning:
      reasoning === "loose"
        ? looseReasoning(random, draft, scene, options)
        : alignedReasoning(random, draft, style, options),
  };
}

/** The facts with their times, and what follows from them. */
function alignedReasoning(random: Random, draft: Draft, style: Style, options: readonly Option[]): string {
  const facts =
    draft.inOrderAsked === true
      ? draft.facts
      : [...draft.facts].sort((a, b) => a.startSeconds - b.startSeconds);
  const sentences = facts.map((fact) => factSentence(fact, style));
  if (draft.because !== undefined) sentences.push(draft.because);
  sentences.push(conclude(random, draft.answer, options));
  return sentences.join(" ");
}

/** Something that is seen at no matter what time, and a conclusion that is the answer's one time of two. */
function looseReasoning(random: Random, draft: Draft, scene: Scene, options: readonly Option[]): string {
  const seen = random.pick(Object.values(groundingOf(scene)));
  const others = options.length > 0 ? options.map(({ text }) => text) : draft.distractors;
  const wrong = others.filter((text) => text !== draft.answer);
  const concluded = wrong.length === 0 || random.uniform() < 0.5 ? draft.answer : random.pick(wrong);
  return `${seen} ${conclude(random, concluded, options)}`;
}

function makeOptions(random: Random, draft: Draft, firstOption: number | null): Option[] {
  const x = random.uniform();
  const wanted = draft.closed === true ? 5 : x < 0.12 ? 2 : x < 0.35 ? 3 : x < 0.8 ? 4 : 5;
  const texts = random.shuffle([draft.answer, ...draft.distractors.slice(0, wanted - 1)]);
  if (firstOption !== null) {
    const others = texts.filter((text) => text !== draft.answer);
    const place = random.uniform() < firstOption ? 0 : random.integer(1, texts.length);
    texts.splice(0, texts.length, ...others.slice(0, place), draft.answer, ...others.slice(place));
  }
  return texts.map((text, i) => ({ letter: optionLetter(i), text }));
}
