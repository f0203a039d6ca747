/**
 * Draws stills: in every step of the video's grid another picture with up to six things that stand still. Nothing
 * happens in them that a story could be told about, and nearly everything that can be said about them must be seen,
 * which is what a model learns to see from first.
 */

import type { Random } from "../../base/index.ts";
import { Board, gridOf, makeBackground, positionIn } from "./make-scene.ts";
import type { Entity, Scene } from "./scene.ts";
import { allowedColours, colourNames, type Form, forms, type Kind, type Split } from "./vocabulary.ts";

/**
 * How many things a picture has, each of these as likely. Most have one or two: what a thing is must be learnt before
 * where it is can help.
 */
const counts = [1, 1, 1, 1, 2, 2, 3, 4, 5, 6] as const;

/** Directions in which two colours pass into each other. */
const directions = [
  { dx: 1, dy: 0 },
  { dx: 0, dy: 1 },
  { dx: 0.7, dy: 0.7 },
  { dx: 0.7, dy: -0.7 },
] as const;

/**
 * Draws stills; the same generator state gives the same. In half of the videos every thing is painted in two colours,
 * so that what it is must be seen whatever its colour.
 *
 * @param options.durationSeconds length of the video in whole seconds, at least 1
 * @param options.startSeconds what the clock shows at the first frame, in whole seconds; default 0
 */
export function makeStills(
  random: Random,
  options: { split: Split; durationSeconds: number; startSeconds?: number },
): Scene {
  const { split, durationSeconds, startSeconds = 0 } = options;
  const last = startSeconds + durationSeconds;
  const grid = gridOf(durationSeconds);
  const blended = random.uniform() < 0.5;
  const entities: Entity[] = [];
  for (let start = startSeconds; start < last; start += grid) {
    const end = start + 2 * grid > last ? last : start + grid;
    entities.push(...makeStill(random, split, blended, { start, end }));
    if (end === last) break;
  }
  return {
    split,
    level: 0,
    durationSeconds,
    startSeconds,
    gridSeconds: grid,
    background: makeBackground(random),
    entities,
    cues: [],
  };
}

/** The things of one picture: each form once, each in a place of its own. */
function makeStill(
  random: Random,
  split: Split,
  blended: boolean,
  span: { start: number; end: number },
): Entity[] {
  const board = new Board(random, 2);
  const entities: Entity[] = [];
  const used = new Set<Form>();
  const count = random.pick(counts);
  while (entities.length < count) {
    const x = random.uniform();
    const kind: Kind = x < 0.66 ? "shape" : x < 0.86 ? "digit" : "word";
    const radius = random.integer(14, 18);
    const places = board.take(kind === "word" ? board.rowSets() : board.singles(), span.start, span.end);
    // A word found no free row, or the picture is full.
    if (places === null) break;
    const form = random.pick(forms[kind].filter((candidate) => !used.has(candidate)));
    used.add(form);
    const position = positionIn(random, kind, places[0] ?? 0, radius);
    const [colour, other] = random.sample(blended ? colourNames : allowedColours(form, split), 2);
    if (colour === undefined || other === undefined) break;
    entities.push({
      kind,
      form,
      radius,
      spans: [{ ...span }],
      colours: [{ start: span.start, colour }],
      paths: [[{ seconds: span.start, ...position }]],
      ...(blended ? { blend: { colour: other, ...random.pick(directions) } } : {}),
    });
  }
  return entities;
}
