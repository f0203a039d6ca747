/** Questions that one moment of the video answers: what is on screen at a given second. */

import {
  colourWord,
  type Draft,
  otherColours,
  otherLabels,
  otherNumbers,
  otherShapes,
  pickOr,
  type QuestionContext,
  type QuestionKind,
  timed,
  unique,
} from "./draft.ts";
import { phaseFact, phasesOf, placesFact, screenFact, thingsAt } from "./events.ts";
import {
  colourAt,
  columnNames,
  columnOf,
  type Entity,
  isVisible,
  positionAt,
  type Scene,
  secondsOf,
  visibleAt,
} from "./scene.ts";
import { allowedColours, forms, shapeNames } from "./vocabulary.ts";
import { agree, definite, type Fact, indefinite, labelOf, nounOf } from "./wording.ts";

/** An entity at a second at which it is on screen. */
interface Moment {
  entity: Entity;
  seconds: number;
  visible: Entity[];
}

/** All whole seconds at which each entity is on screen. */
function momentsOf(scene: Scene): Moment[] {
  const moments: Moment[] = [];
  for (const seconds of secondsOf(scene)) {
    const visible = visibleAt(scene, seconds);
    for (const entity of visible) moments.push({ entity, seconds, visible });
  }
  return moments;
}

/** Whether subtitles are on screen too, so that a question about what is written there could mean either. */
function hasSubtitle(scene: Scene, seconds: number): boolean {
  return scene.cues.some((cue) => cue.startSeconds <= seconds && seconds < cue.endSeconds);
}

/** One of the moments, each entity (not each second) as likely. */
function pickMoment({ random }: QuestionContext, moments: readonly Moment[]): Moment | null {
  const entities = [...new Set(moments.map(({ entity }) => entity))];
  const entity = pickOr(random, entities);
  return entity === null
    ? null
    : pickOr(
        random,
        moments.filter((moment) => moment.entity === entity),
      );
}

/** What is seen of an entity at a second; now and then, too, for how long. */
function sight({ random, style }: QuestionContext, { entity, seconds }: Moment): { facts: Fact[] } {
  const label = indefinite(labelOf(entity, seconds));
  const seen = { startSeconds: seconds, text: `${label} ${agree(entity, style.isOnScreen)}` };
  const phase = phasesOf(entity).find(({ start, end }) => start <= seconds && seconds < end);
  return { facts: phase === undefined || random.uniform() < 0.88 ? [seen] : [seen, phaseFact(phase, style)] };
}

/** What colour is a thing. */
export const colourAtKind: QuestionKind = (context) => {
  const { scene, random } = context;
  const moment = pickMoment(
    context,
    momentsOf(scene).filter(
      ({ entity, visible }) => visible.filter((other) => other.form === entity.form).length === 1,
    ),
  );
  if (moment === null) return null;
  const { entity, seconds, visible } = moment;
  const word = colourWord(random);
  const only = visible.length === 1 && entity.paths.length === 1;
  const noun = only && random.uniform() < 0.3 ? "thing on screen" : nounOf(entity);
  const question = random.pick([
    `What ${word} ${agree(entity, "is")} the ${noun}`,
    `What ${word} ${agree(entity, "is")} the ${noun}`,
    `Which ${word} ${agree(entity, "does")} the ${noun} have`,
  ]);
  const answer = colourAt(entity, seconds);
  return {
    category: "colour-at",
    momentary: true,
    question: timed(random, seconds, question),
    answer,
    open: "text",
    distractors: otherColours(context, answer),
    ...sight(context, moment),
  };
};

/** What shape is a thing of some colour, or the only shape there. */
export const shapeAtKind: QuestionKind = (context) => {
  const { scene, random } = context;
  const single = momentsOf(scene).filter(
    ({ entity }) => entity.kind === "shape" && entity.paths.length === 1,
  );
  const moment = pickMoment(
    context,
    single.filter(({ entity, seconds, visible }) => {
      const colour = colourAt(entity, seconds);
      return visible.filter((other) => colourAt(other, seconds) === colour).length === 1;
    }),
  );
  if (moment === null) return null;
  const { entity, seconds, visible } = moment;
  const alone = visible.filter(({ kind }) => kind === "shape").length === 1;
  const question =
    alone && random.uniform() < 0.6
      ? random.pick(["Which shape is on screen", "What shape can be seen", "Which shape is shown"])
      : random.pick([
          `What shape is the ${colourAt(entity, seconds)} thing`,
          `Which shape is ${colourAt(entity, seconds)}`,
        ]);
  return {
    category: "shape-at",
    momentary: true,
    question: timed(random, seconds, question),
    answer: entity.form,
    open: "text",
    distractors: otherShapes(context, entity.form),
    ...sight(context, moment),
  };
};

/** Which word is on screen. */
export const wordAtKind: QuestionKind = (context) => textAt(context, "word");

/** Which digit is on screen. */
export const digitAtKind: QuestionKind = (context) => textAt(context, "digit");

function textAt(context: QuestionContext, kind: "word" | "digit"): Draft | null {
  const { scene, random } = context;
  const moment = pickMoment(
    context,
    momentsOf(scene).filter(
      ({ entity, seconds, visible }) =>
        entity.kind === kind &&
        visible.filter((other) => other.kind === kind).length === 1 &&
        !hasSubtitle(scene, seconds),
    ),
  );
  if (moment === null) return null;
  const { entity, seconds } = moment;
  const question = random.pick([
    `Which ${kind} is shown`,
    `What ${kind} is on screen`,
    `Which ${kind} can be read`,
  ]);
  const present = scene.entities.filter((other) => other.kind === kind).map(({ form }) => form as string);
  return {
    category: `${kind}-at`,
    momentary: true,
    question: timed(random, seconds, question),
    answer: entity.form,
    open: kind === "digit" ? "number" : "text",
    distractors: unique([...random.shuffle(present), ...random.shuffle(forms[kind])], entity.form),
    ...sight(context, moment),
  };
}

/** How many shapes are on screen. */
export const countAtKind: QuestionKind = (context) => {
  const { scene, random, style } = context;
  const counted: { seconds: number; count: number; group: Entity | null }[] = [];
  for (const seconds of secondsOf(scene)) {
    const shapes = visibleAt(scene, seconds).filter(({ kind }) => kind === "shape");
    const total = shapes.reduce((sum, { paths }) => sum + paths.length, 0);
    counted.push({ seconds, count: total, group: null });
    for (const shape of shapes.filter(({ paths }) => paths.length > 1)) {
      const alike = shapes.filter(({ form }) => form === shape.form);
      counted.push({
        seconds,
        count: alike.reduce((sum, { paths }) => sum + paths.length, 0),
        group: shape,
      });
    }
  }
  // Each number as likely, so that 1 is not the answer to most of these; nothing at all is asked about rarely.
  const counts = [...new Set(counted.map(({ count }) => count))].filter(
    (count) => count > 0 || random.uniform() < 0.2,
  );
  const count = pickOr(random, counts);
  if (count === null) return null;
  const { seconds, group } = random.pick(counted.filter((candidate) => candidate.count === count));
  const noun = group === null ? "shapes" : nounOf(group);
  const shapes = visibleAt(scene, seconds).filter(
    (entity) => entity.kind === "shape" && (group === null || entity.form === group.form),
  );
  const sum = shapes.map(({ paths }) => paths.length);
  return {
    category: "count-at",
    momentary: true,
    question: timed(
      random,
      seconds,
      random.pick([
        `How many ${noun} are on screen`,
        `How many ${noun} can be seen`,
        `How many ${noun} are there`,
      ]),
    ),
    answer: String(count),
    open: "number",
    distractors: otherNumbers(context, count),
    facts: [screenFact(scene, seconds, style)],
    ...(sum.length > 1 ? { because: `${sum.join(" + ")} = ${count}.` } : {}),
  };
};

/** Whether a thing is on the left, in the middle or on the right. */
export const positionAtKind: QuestionKind = (context) => {
  const { scene, random, style } = context;
  const places: readonly string[] = columnNames;
  const placeOf = (entity: Entity, seconds: number): string | undefined => {
    const path = entity.paths[0] ?? [];
    const { x } = positionAt(path, seconds);
    if (
      positionAt(path, seconds + scene.gridSeconds).x !== x ||
      positionAt(path, seconds - scene.gridSeconds).x !== x
    )
      return undefined;
    return columnOf(x);
  };
  const moment = pickMoment(
    context,
    momentsOf(scene).filter(
      ({ entity, seconds, visible }) =>
        entity.kind !== "word" &&
        entity.paths.length === 1 &&
        visible.filter((other) => other.form === entity.form).length === 1 &&
        placeOf(entity, seconds) !== undefined,
    ),
  );
  if (moment === null) return null;
  const { entity, seconds } = moment;
  const answer = placeOf(entity, seconds) ?? "";
  const label = labelOf(entity, seconds);
  const name = random.uniform() < 0.5 ? `the ${nounOf(entity)}` : definite(label);
  const where = answer === "middle" ? "in the middle" : `on the ${answer}`;
  const at = timed(
    random,
    seconds,
    random.pick([`Where is ${name}`, `On which part of the screen is ${name}`]),
  );
  return {
    category: "position-at",
    momentary: true,
    question: `${at.slice(0, -1)}: left, middle or right?`,
    answer,
    open: "text",
    distractors: unique(places, answer),
    closed: true,
    facts: [{ startSeconds: seconds, text: `${indefinite(label)} ${style.isOnScreen}, ${where}` }],
  };
};

/** What is on screen, where that is one thing or one group. */
export const objectAtKind: QuestionKind = (context) => {
  const { scene, random } = context;
  const moment = pickMoment(
    context,
    momentsOf(scene).filter(({ visible, seconds }) => visible.length === 1 && !hasSubtitle(scene, seconds)),
  );
  if (moment === null) return null;
  const { entity, seconds } = moment;
  return {
    category: "object-at",
    momentary: true,
    question: timed(
      random,
      seconds,
      random.pick(["What is on screen", "What can be seen", "What does the video show"]),
    ),
    answer: labelOf(entity, seconds),
    open: "text",
    distractors: otherLabels(context, entity, seconds),
    ...sight(context, moment),
  };
};

/** Whether a thing of a colour is on screen. */
export const presenceAtKind: QuestionKind = (context) => {
  const { scene, random, style } = context;
  const yes = random.uniform() < 0.5;
  const shapes = momentsOf(scene).filter(
    ({ entity }) => entity.kind === "shape" && entity.paths.length === 1,
  );
  let seconds: number;
  let label: string;
  if (yes) {
    const moment = pickMoment(context, shapes);
    if (moment === null) return null;
    seconds = moment.seconds;
    label = labelOf(moment.entity, seconds);
  } else {
    seconds = random.pick(secondsOf(scene));
    const absent = absentLabels(context, seconds);
    const picked = pickOr(random, absent);
    if (picked === null) return null;
    label = picked;
  }
  return {
    category: "presence-at",
    momentary: true,
    question: timed(
      random,
      seconds,
      random.pick([
        `Is there ${indefinite(label)} on screen`,
        `Is ${indefinite(label)} on screen`,
        `Can ${indefinite(label)} be seen`,
      ]),
    ),
    answer: yes ? "yes" : "no",
    open: "text",
    distractors: [yes ? "no" : "yes"],
    closed: true,
    facts: [screenFact(scene, seconds, style)],
    because: searched(thingsAt(scene, seconds), indefinite(label)),
  };
};

/**
 * Goes through things until it comes to the one that is looked for: `Is there a blue square: a red star, a blue square:
 * yes.` As with options, a small model learns to compare one after the other, and not to know at once whether there is one.
 */
function searched(things: readonly string[], wanted: string): string {
  const at = things.indexOf(wanted);
  const seen = at === -1 ? things : things.slice(0, at + 1);
  const passed = seen.length === 0 ? "the screen is empty" : seen.join(", ");
  return `Is there ${wanted}: ${passed}: ${at === -1 ? "no" : "yes"}.`;
}

/** Single shapes that are not on screen at a second: those of other times first, and slight changes of what is there. */
function absentLabels({ scene, random }: QuestionContext, seconds: number): string[] {
  const visible = visibleAt(scene, seconds);
  const there = new Set(visible.map((entity) => `${colourAt(entity, seconds)} ${entity.form}`));
  const candidates = scene.entities
    .filter(({ kind }) => kind === "shape")
    .flatMap((entity) =>
      isVisible(entity, seconds)
        ? [
            `${random.pick(allowedColours(entity.form, scene.split))} ${entity.form}`,
            ...random
              .sample(shapeNames, 1)
              .filter((form) => allowedColours(form, scene.split).includes(colourAt(entity, seconds)))
              .map((form) => `${colourAt(entity, seconds)} ${form}`),
          ]
        : entity.colours.map(({ colour }) => `${colour} ${entity.form}`),
    );
  return candidates.filter((label) => !there.has(label));
}

/** All that is on screen at a second, each thing with its place: the densest account of a still that a row can give. */
export const stillKind: QuestionKind = ({ scene, random }) => {
  const seconds = random.pick(secondsOf(scene));
  const fact = placesFact(scene, seconds);
  if (fact === null) return null;
  return {
    category: "still",
    momentary: true,
    question: timed(
      random,
      seconds,
      random.pick([
        "What is where on screen, and how many things are there",
        "How many things are on screen, and where is each",
      ]),
    ),
    answer: String(visibleAt(scene, seconds).length),
    open: "number",
    distractors: [],
    facts: [fact],
  };
};

/** What the subtitles say. */
export const subtitleAtKind: QuestionKind = (context) => {
  const { scene, random } = context;
  const cue = pickOr(random, scene.cues);
  if (cue === null) return null;
  const seconds = random.integer(Math.ceil(cue.startSeconds), Math.floor(cue.endSeconds) + 1);
  return {
    category: "subtitle-at",
    momentary: true,
    question: timed(
      random,
      seconds,
      random.pick(["What do the subtitles say", "What is said", "What is the subtitle"]),
    ),
    answer: cue.text,
    open: "text",
    distractors: otherCues(context, cue.text),
    facts: [{ startSeconds: seconds, text: `the subtitles say "${cue.text}"` }],
  };
};

/** Other lines that subtitles might say. */
export function otherCues({ scene, random }: QuestionContext, text: string): string[] {
  const [first = "say"] = text.split(" ");
  const alike = random.shuffle(first === "say" ? forms.word : forms.digit).map((form) => `${first} ${form}`);
  return unique([...scene.cues.map((cue) => cue.text), ...alike], text);
}
