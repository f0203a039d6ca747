/** A question with its answer before its form is decided, and what the question kinds need to make one. */

import type { Random } from "../../base/index.ts";
import type { AnswerType } from "../../trace/index.ts";
import { eventsOf, type SceneEvent } from "./events.ts";
import { colourAt, type Entity, endSecondsOf, type Scene } from "./scene.ts";
import { allowedColours, type Colour, colourNames, type Form, forms, shapeNames } from "./vocabulary.ts";
import { clock, definite, type Fact, labelOf, nounOf, type Style } from "./wording.ts";

/** A question and its answer as text; options, letters and the conclusion come later. */
export interface Draft {
  /** What kind of question it is, such as `colour-at`. */
  category: string;
  /** Whether one moment of the video is enough to answer it. */
  momentary: boolean;
  question: string;
  answer: string;
  /** How it is answered without options; null where the question makes sense with options only. */
  open: Exclude<AnswerType, "choice"> | null;
  /** Wrong answers, the most tempting first; none equals the answer. */
  distractors: string[];
  /** The options are the answer and all distractors. */
  closed?: boolean;
  /** What the answer follows from; told in order of time unless `inOrderAsked`. */
  facts: Fact[];
  inOrderAsked?: boolean;
  /** The step from the facts to the answer, where there is one, as a sentence. */
  because?: string;
}

/** What every question kind draws from. */
export interface QuestionContext {
  scene: Scene;
  events: SceneEvent[];
  random: Random;
  style: Style;
}

/** A question kind: draws one question about the scene, or null where the scene has none. */
export type QuestionKind = (context: QuestionContext) => Draft | null;

/** Makes the context of one question. */
export function makeContext(scene: Scene, random: Random, style: Style): QuestionContext {
  return { scene, events: eventsOf(scene), random, style };
}

/** One of the items, or null if there are none. */
export function pickOr<T>(random: Random, items: readonly T[]): T | null {
  return items.length === 0 ? null : random.pick(items);
}

/** `colour`, now and then in American spelling. */
export function colourWord(random: Random): string {
  return random.uniform() < 0.7 ? "colour" : "color";
}

/** A time in a question: `at 00:05`, now and then `at second 5`. */
export function atTime(random: Random, seconds: number): string {
  return random.uniform() < 0.88 ? `at ${clock(seconds)}` : `at second ${seconds}`;
}

/** A question about a time, with the time at its end or its beginning. */
export function timed(random: Random, seconds: number, question: string): string {
  const at = atTime(random, seconds);
  if (random.uniform() < 0.7) return `${question} ${at}?`;
  return `${at.charAt(0).toUpperCase()}${at.slice(1)}, ${question.charAt(0).toLowerCase()}${question.slice(1)}?`;
}

/** What an entity can be called in a question so that no other is meant: `the circle`, `the red circle`. */
export function reference({ scene, random }: QuestionContext, entity: Entity): string {
  const alone = scene.entities.every((other) => other === entity || other.form !== entity.form);
  const short = alone && (entity.colours.length > 1 || random.uniform() < 0.5);
  return short ? `the ${nounOf(entity)}` : definite(labelOf(entity));
}

/** Labels of other entities of the scene, then of things that might have been there: wrong answers for a label. */
export function otherLabels(context: QuestionContext, entity: Entity, seconds?: number): string[] {
  const { scene, random } = context;
  const right = labelOf(entity, seconds);
  const colour = colourAt(entity, seconds ?? entity.spans[0]?.start ?? 0);
  const present = scene.entities.filter((other) => other !== entity).map((other) => labelOf(other));
  const count = entity.paths.length;
  const name = (form: Form, c: Colour): string => {
    const stand = { ...entity, form, colours: [{ start: 0, colour: c }] };
    return labelOf(count === 1 ? stand : { ...stand, paths: entity.paths });
  };
  const recoloured = random
    .shuffle(allowedColours(entity.form, scene.split).filter((c) => c !== colour))
    .slice(0, 2)
    .map((c) => name(entity.form, c));
  const reshaped = random
    .shuffle(
      forms[entity.kind].filter((f) => f !== entity.form && allowedColours(f, scene.split).includes(colour)),
    )
    .slice(0, 2)
    .map((f) => name(f, colour));
  return unique([...random.shuffle(present), ...random.shuffle([...recoloured, ...reshaped])], right);
}

/** Other colours, those of the scene first. */
export function otherColours({ scene, random }: QuestionContext, colour: Colour): string[] {
  const present = scene.entities.flatMap((entity) => entity.colours.map((change) => change.colour));
  return unique([...random.shuffle(present), ...random.shuffle(colourNames)], colour);
}

/** Other shapes, those of the scene first. */
export function otherShapes({ scene, random }: QuestionContext, shape: string): string[] {
  const present = scene.entities.filter(({ kind }) => kind === "shape").map(({ form }) => form as string);
  return unique([...random.shuffle(present), ...random.shuffle(shapeNames)], shape);
}

/** Other numbers near a number, none below 0. */
export function otherNumbers({ random }: QuestionContext, number: number): string[] {
  const near = random.shuffle([number - 1, number + 1, number + 2, number - 2]);
  return unique([...near, number + 3].filter((n) => n >= 0).map(String), String(number));
}

/** Other times: those of other events, then times near it on the grid. */
export function otherTimes({ scene, events, random }: QuestionContext, seconds: number): string[] {
  const others = random.shuffle(events.map(({ startSeconds }) => startSeconds));
  const near = random.shuffle([-3, -2, 2, 3, 4]).map((cells) => seconds + cells * scene.gridSeconds);
  const times = [...others, ...near].filter(
    (time) => time >= scene.startSeconds && time < endSecondsOf(scene),
  );
  return unique(times.map(clock), clock(seconds));
}

/** The texts without repetition and without the right one. */
export function unique(texts: readonly string[], right: string): string[] {
  return [...new Set(texts)].filter((text) => text !== right);
}
