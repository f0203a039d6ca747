/** Questions that no single moment answers: order, count, duration, comparison, change, movement and time. */

import {
  atTime,
  colourWord,
  otherColours,
  otherLabels,
  otherNumbers,
  otherTimes,
  pickOr,
  type QuestionContext,
  type QuestionKind,
  reference,
  unique,
} from "./draft.ts";
import { eventFact, leaves, phaseFact, phasesOf, type SceneEvent } from "./events.ts";
import { otherCues } from "./momentary-questions.ts";
import { colourAt, type Entity, endOf, isVisible, startOf } from "./scene.ts";
import { agree, clock, definite, type Fact, labelOf } from "./wording.ts";

/** Entities that come once: for the others, "appears" could mean two moments. */
function comeOnce({ scene }: QuestionContext): Entity[] {
  return scene.entities.filter(({ spans }) => spans.length === 1);
}

/** The facts of the events that pass, in order of time. */
function factsOf({ events, style }: QuestionContext, keep: (event: SceneEvent) => boolean): Fact[] {
  return events.filter(keep).map((event) => eventFact(event, style));
}

/** Entities in order of appearance, where every one comes once. */
function orderOfAppearance(context: QuestionContext): Entity[] | null {
  if (comeOnce(context).length !== context.scene.entities.length || context.scene.entities.length < 2)
    return null;
  return [...context.scene.entities].sort((a, b) => startOf(a) - startOf(b));
}

function appearances(context: QuestionContext, among?: readonly Entity[]): Fact[] {
  return factsOf(
    context,
    ({ kind, entity }) => kind === "appear" && (among === undefined || among.includes(entity)),
  );
}

/** What appears first, or last. */
export const firstLastKind: QuestionKind = (context) => {
  const order = orderOfAppearance(context);
  if (order === null) return null;
  const { random } = context;
  const end = random.pick(["first", "last"] as const);
  const entity = order.at(end === "first" ? 0 : -1);
  if (entity === undefined) return null;
  const answer = labelOf(entity);
  return {
    category: end,
    momentary: false,
    question: random.pick([
      `What appears ${end} in the video?`,
      `What is the ${end} thing that appears?`,
      `What comes into view ${end}?`,
    ]),
    answer,
    open: "text",
    distractors: unique(
      [
        ...random.shuffle(order.filter((other) => other !== entity)).map((other) => labelOf(other)),
        ...otherLabels(context, entity),
      ],
      answer,
    ),
    facts: appearances(context),
  };
};

/** What appears right after, or right before, something else. */
export const nextKind: QuestionKind = (context) => {
  const order = orderOfAppearance(context);
  if (order === null) return null;
  const { random } = context;
  const side = random.pick(["after", "before"] as const);
  const index = random.integer(0, order.length - 1);
  const [earlier, later] = [order[index], order[index + 1]];
  if (earlier === undefined || later === undefined) return null;
  const [asked, wanted] = side === "after" ? [earlier, later] : [later, earlier];
  return {
    category: side,
    momentary: false,
    question: random.pick([
      `What appears right ${side} ${reference(context, asked)}?`,
      `What is the next thing to appear ${side} ${reference(context, asked)}?`.replace(
        "next thing to appear before",
        "last thing to appear before",
      ),
    ]),
    answer: labelOf(wanted),
    open: "text",
    distractors: otherLabels(context, wanted),
    facts: appearances(context),
  };
};

/** Whether one thing appears before or after another. */
export const beforeAfterKind: QuestionKind = (context) => {
  const once = comeOnce(context);
  if (once.length < 2) return null;
  const { random } = context;
  const [a, b] = random.sample(once, 2) as [Entity, Entity];
  const answer = startOf(a) < startOf(b) ? "before" : "after";
  const verbs = a.paths.length > 1 ? "Do" : "Does";
  return {
    category: "order",
    momentary: false,
    question: random.pick([
      `${verbs} ${reference(context, a)} appear before or after ${reference(context, b)}?`,
      `Is it before or after ${reference(context, b)} that ${reference(context, a)} ${agree(a, "appears")}?`,
    ]),
    answer,
    open: "text",
    distractors: [answer === "before" ? "after" : "before"],
    closed: true,
    facts: appearances(context, [a, b]),
  };
};

/** An event as a clause of which there is only one in the video, or null. */
function clauseOf(context: QuestionContext, event: SceneEvent): string | null {
  const { entity, kind } = event;
  if (entity.spans.length > 1) return null;
  const name = reference(context, entity);
  switch (kind) {
    case "appear":
      return `${name} ${agree(entity, "appears")}`;
    case "disappear":
      return `${name} ${agree(entity, "disappears")}`;
    case "recolour":
      return `${name} turns ${colourAt(entity, event.startSeconds)}`;
    case "move":
      return `${name} starts to move`;
    case "touch":
      return event.other === undefined ? null : `${name} touches ${reference(context, event.other)}`;
  }
}

/** Which of several events happens first. */
export const earliestKind: QuestionKind = (context) => {
  const { events, random } = context;
  const usable = events.filter(({ entity }) => entity.spans.length === 1);
  if (usable.length < 2) return null;
  const chosen = random
    .sample(usable, Math.min(usable.length, random.integer(2, 5)))
    .sort((a, b) => a.startSeconds - b.startSeconds);
  const clauses = chosen.map((event) => clauseOf(context, event));
  const [answer, ...distractors] = clauses.filter((clause) => clause !== null);
  if (answer === undefined || distractors.length === 0) return null;
  return {
    category: "earliest",
    momentary: false,
    question: random.pick([
      "Which of these happens first?",
      "What happens first?",
      "Which event is the earliest?",
    ]),
    answer,
    open: null,
    distractors: unique(distractors, answer),
    closed: true,
    facts: factsOf(context, (event) => chosen.includes(event)),
  };
};

/** How many shapes appear in the whole video. */
export const countTotalKind: QuestionKind = (context) => {
  const { scene, random } = context;
  const shapes = scene.entities.filter(({ kind }) => kind === "shape");
  if (shapes.length === 0 || shapes.some(({ spans }) => spans.length > 1)) return null;
  const inOrder = [...shapes].sort((a, b) => startOf(a) - startOf(b)).map(({ paths }) => paths.length);
  const total = inOrder.reduce((sum, count) => sum + count, 0);
  if (total === 1 && random.uniform() < 0.6) return null;
  return {
    category: "count-total",
    momentary: false,
    question: random.pick([
      "How many shapes appear in the whole video?",
      "How many shapes are there in the video in all?",
      "Count all shapes that appear. How many are there?",
    ]),
    answer: String(total),
    open: "number",
    distractors: otherNumbers(context, total),
    facts: appearances(context, shapes),
    ...(inOrder.length > 1 ? { because: `${inOrder.join(" + ")} = ${total}.` } : {}),
  };
};

/** How many times a thing appears, or changes its colour. */
export const timesKind: QuestionKind = (context) => {
  const { scene, random, style } = context;
  const blinker = scene.entities.find(({ spans }) => spans.length > 1);
  if (blinker !== undefined || random.uniform() < 0.15) {
    const entity = random.uniform() < 0.8 && blinker !== undefined ? blinker : random.pick(scene.entities);
    if (entity.paths.length > 1) return null;
    return {
      category: "count-appearances",
      momentary: false,
      question: `How many times does ${reference(context, entity)} appear?`,
      answer: String(entity.spans.length),
      open: "number",
      distractors: otherNumbers(context, entity.spans.length),
      facts: factsOf(context, (event) => event.entity === entity && event.kind === "appear"),
    };
  }
  const singles = scene.entities.filter(({ paths }) => paths.length === 1);
  const changing = singles.filter(({ colours }) => colours.length > 1);
  const entity = pickOr(random, changing.length > 0 && random.uniform() < 0.8 ? changing : singles);
  if (entity === null || (changing.length === 0 && random.uniform() < 0.6)) return null;
  const changes = entity.colours.length - 1;
  return {
    category: "count-changes",
    momentary: false,
    question: `How many times does ${reference(context, entity)} change ${colourWord(random)}?`,
    answer: String(changes),
    open: "number",
    distractors: otherNumbers(context, changes),
    facts:
      changes === 0
        ? phasesOf(entity).map((phase) => phaseFact(phase, style))
        : factsOf(context, (event) => event.entity === entity && event.kind === "recolour"),
  };
};

/** For how many seconds a thing is on screen. */
export const durationKind: QuestionKind = (context) => {
  const { scene, random } = context;
  const entity = pickOr(
    random,
    comeOnce(context).filter((candidate) => leaves(scene, candidate)),
  );
  if (entity === null) return null;
  const [start, end] = [startOf(entity), endOf(entity)];
  const name = reference(context, entity);
  const is = agree(entity, "is");
  return {
    category: "duration",
    momentary: false,
    question: random.pick([
      `For how many seconds ${is} ${name} on screen?`,
      `How long ${is} ${name} on screen, in seconds?`,
      `How many seconds ${agree(entity, "does")} ${name} stay?`,
    ]),
    answer: String(end - start),
    open: "number",
    distractors: otherNumbers(context, end - start),
    facts: factsOf(
      context,
      (event) => event.entity === entity && (event.kind === "appear" || event.kind === "disappear"),
    ),
    because: `${end} - ${start} = ${end - start}.`,
  };
};

/** Which of two things is on screen longer. */
export const longerKind: QuestionKind = (context) => {
  const { scene, random, style } = context;
  const usable = comeOnce(context).filter((entity) => leaves(scene, entity) && entity.colours.length === 1);
  if (usable.length < 2) return null;
  const [a, b] = random.sample(usable, 2) as [Entity, Entity];
  const [lengthA, lengthB] = [endOf(a) - startOf(a), endOf(b) - startOf(b)];
  if (Math.abs(lengthA - lengthB) < 2 * scene.gridSeconds) return null;
  const [longer, shorter] = lengthA > lengthB ? [a, b] : [b, a];
  return {
    category: "longer",
    momentary: false,
    question: random.pick([
      `Which is on screen longer, ${definite(labelOf(a))} or ${definite(labelOf(b))}?`,
      `Which stays longer: ${definite(labelOf(a))} or ${definite(labelOf(b))}?`,
    ]),
    answer: labelOf(longer),
    open: "text",
    distractors: [labelOf(shorter)],
    closed: true,
    facts: [...phasesOf(a), ...phasesOf(b)]
      .sort((x, y) => x.start - y.start)
      .map((phase) => phaseFact(phase, style)),
    because: `${Math.max(lengthA, lengthB)} is more than ${Math.min(lengthA, lengthB)}.`,
  };
};

/** When something happens. */
export const whenKind: QuestionKind = (context) => {
  const { events, random } = context;
  const event = pickOr(random, events);
  if (event === null) return null;
  const clause = clauseOf(context, event);
  if (clause === null) return null;
  // "the circle turns blue" becomes "does the circle turn blue".
  const bare = clause.replace(
    / (appears|disappears|turns|starts|touches)\b/,
    (_all, word: string) => ` ${word === "touches" ? "touch" : word.slice(0, -1)}`,
  );
  const does = agree(event.entity, "does");
  return {
    category: `when-${event.kind}`,
    momentary: false,
    question: random.pick([
      `When ${does} ${bare}?`,
      `At what time ${does} ${bare}?`,
      `At which second of the video ${does} ${bare}?`,
    ]),
    answer: clock(event.startSeconds),
    open: "time",
    distractors: otherTimes(context, event.startSeconds),
    facts: factsOf(context, (other) => other === event),
  };
};

/** In which direction a thing moves. */
export const directionKind: QuestionKind = (context) => {
  const { events, random } = context;
  const event = pickOr(
    random,
    events.filter(({ kind }) => kind === "move"),
  );
  if (event?.entity.move === undefined) return null;
  const name = reference(context, event.entity);
  const { direction } = event.entity.move;
  return {
    category: "direction",
    momentary: false,
    question: random.pick([
      `In which direction does ${name} move?`,
      `Which way does ${name} move?`,
      `Where does ${name} move: left, right, up or down?`,
    ]),
    answer: direction,
    open: "text",
    distractors: random.shuffle(unique(["left", "right", "up", "down"], direction)),
    facts: factsOf(context, (other) => other === event),
  };
};

/** What colour a thing turns, or had before. */
export const changeKind: QuestionKind = (context) => {
  const { events, random } = context;
  const event = pickOr(
    random,
    events.filter(({ kind }) => kind === "recolour"),
  );
  if (event === null) return null;
  const { entity, startSeconds } = event;
  const name = reference(context, entity);
  const [before, after] = [colourAt(entity, startSeconds - 0.5), colourAt(entity, startSeconds)];
  const facts = factsOf(context, (other) => other === event);
  const word = colourWord(random);
  if (entity.colours.length === 2 && random.uniform() < 0.5) {
    return {
      category: "change-to",
      momentary: false,
      question: random.pick([
        `What ${word} does ${name} turn?`,
        `Which ${word} does ${name} change to?`,
        `What ${word} is ${name} after it changes?`,
      ]),
      answer: after,
      open: "text",
      distractors: otherColours(context, after),
      facts,
    };
  }
  return {
    category: "change-from",
    momentary: false,
    question: random.pick([
      `What ${word} is ${name} right before it turns ${after}?`,
      `Which ${word} does ${name} have just before it becomes ${after}?`,
    ]),
    answer: before,
    open: "text",
    distractors: otherColours(context, before),
    facts,
  };
};

/** What a moving thing touches. */
export const touchedKind: QuestionKind = (context) => {
  const { events, random } = context;
  const event = events.find(({ kind }) => kind === "touch");
  if (event?.other === undefined) return null;
  const name = reference(context, event.entity);
  return {
    category: "touched",
    momentary: false,
    question: random.pick([
      `What does ${name} touch?`,
      `What does ${name} run into?`,
      `What is touched by ${name}?`,
    ]),
    answer: labelOf(event.other),
    open: "text",
    distractors: otherLabels(context, event.other),
    facts: factsOf(
      context,
      (other) => other === event || (other.kind === "move" && other.entity === event.entity),
    ),
  };
};

/** What the subtitles say when something appears. */
export const subtitleEventKind: QuestionKind = (context) => {
  const { scene, events, random, style } = context;
  const pairs = events
    .filter(({ kind, entity }) => kind === "appear" && entity.spans.length === 1)
    .flatMap((event) =>
      scene.cues
        .filter((cue) => cue.startSeconds <= event.startSeconds && event.startSeconds + 0.5 < cue.endSeconds)
        .map((cue) => ({ event, cue })),
    );
  const pair = pickOr(random, pairs);
  if (pair === null) return null;
  const { event, cue } = pair;
  return {
    category: "subtitle-when",
    momentary: false,
    question: `What do the subtitles say when ${reference(context, event.entity)} ${agree(event.entity, "appears")}?`,
    answer: cue.text,
    open: "text",
    distractors: otherCues(context, cue.text),
    facts: [
      eventFact(event, style),
      { startSeconds: event.startSeconds, text: `the subtitles say "${cue.text}"` },
    ],
  };
};

/** Which of several clauses happens at a second. */
export const happensKind: QuestionKind = (context) => {
  const { scene, events, random } = context;
  const event = pickOr(
    random,
    events.filter(
      (candidate) =>
        candidate.kind !== "move" &&
        candidate.entity.spans.length === 1 &&
        events.every(
          (other) =>
            other === candidate || Math.abs(other.startSeconds - candidate.startSeconds) >= scene.gridSeconds,
        ),
    ),
  );
  if (event === null) return null;
  const clause = clauseOf(context, event);
  if (clause === null) return null;
  const { entity } = event;
  const lies = events
    .filter((other) => other !== event)
    .map((other) => clauseOf(context, other))
    .filter((text) => text !== null && text !== clause);
  const invented = [
    ...(event.kind === "appear" || !isVisible(entity, event.startSeconds)
      ? []
      : [`${reference(context, entity)} disappears`]),
    ...(event.kind === "disappear" ? [clause.replace("disappear", "appear")] : []),
    ...(event.kind === "appear" ? [clause.replace("appear", "disappear")] : []),
  ];
  return {
    category: "happens-at",
    momentary: false,
    question: `What happens ${atTime(random, event.startSeconds)}?`,
    answer: clause,
    open: null,
    distractors: unique([...random.shuffle(invented), ...random.shuffle(lies as string[])], clause),
    facts: factsOf(context, (other) => other === event),
  };
};

/** Most events that a timeline lists: more would be longer than a small model's answers. */
const timelineEvents = 7;

/** Everything that happens, in order, and what happens last: the densest account of a video that a row can give. */
export const timelineKind: QuestionKind = (context) => {
  const { events, random, style } = context;
  if (events.length === 0 || events.length > timelineEvents) return null;
  const facts = events.map((event) => eventFact(event, style));
  return {
    category: "timeline",
    momentary: false,
    question: random.pick([
      "List all that happens. What happens last?",
      "Go through the video from start to end. What happens last?",
      "Tell everything that happens in order. What is the last thing to happen?",
    ]),
    answer: facts.at(-1)?.text ?? "",
    open: "text",
    distractors: [],
    facts,
  };
};
