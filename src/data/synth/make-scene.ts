/**
 * Draws a scene at random: who is there, what happens to whom and when. Every event has a second of its own (except
 * things that stay to the end), nothing overlaps anything else, and nothing is so short that two frames a second, or
 * 32 frames of a long video, would miss it.
 */

import { invariant, type Random } from "../../base/index.ts";
import {
  type Background,
  columnCentres,
  type Direction,
  type Entity,
  rowCentres,
  type Scene,
  type Waypoint,
} from "./scene.ts";
import {
  allowedColours,
  type Colour,
  type Form,
  forms,
  heldoutColour,
  type Kind,
  type Split,
} from "./vocabulary.ts";

/** What kind of scene is wanted. */
export interface SceneOptions {
  split: Split;
  /** 1 to 3. */
  level: number;
  /** Length of the video in whole seconds, 8 to 64. */
  durationSeconds: number;
  /** Whether the scene has subtitles; they take the lower part of the picture. */
  subtitles: boolean;
}

type Behaviour = "stay" | "recolour" | "move" | "group" | "blink" | "touch";

/** Frames that a long video is sampled at, in pairs: an event in each pair at most. */
const sampledPairs = 16;

/**
 * The grid of event times: the smallest whole number of seconds that is a multiple of a sixteenth of the length, so
 * that at 32 frames events fall between the pairs of frames that a model sees; 1 s up to 16 s.
 */
export function gridOf(durationSeconds: number): number {
  if (durationSeconds <= sampledPairs) return 1;
  let a = durationSeconds;
  let b = sampledPairs;
  while (b > 0) [a, b] = [b, a % b];
  return a >= sampledPairs / 2 ? durationSeconds / a : Math.ceil(durationSeconds / sampledPairs);
}

/** Draws a scene; the same generator state gives the same scene. */
export function makeScene(random: Random, options: SceneOptions): Scene {
  for (let attempt = 0; attempt < 2000; attempt++) {
    const scene = tryScene(random, options);
    if (scene !== null) return scene;
  }
  invariant(false, `no scene found for ${JSON.stringify(options)}`);
}

function tryScene(random: Random, options: SceneOptions): Scene | null {
  const { split, level, durationSeconds, subtitles } = options;
  const grid = gridOf(durationSeconds);
  const cells = Math.floor(durationSeconds / grid);
  const behaviours = pickBehaviours(random, level, cells);
  const cast = pickCast(random, behaviours, split, level);
  const clock = new Clock(random, cells);
  const board = new Board(random, subtitles ? 1 : 2);
  const entities: Entity[] = [];
  let touch: Scene["touch"];
  for (let i = 0; i < behaviours.length; i++) {
    const member = cast[i];
    const behaviour = behaviours[i];
    invariant(member !== undefined && behaviour !== undefined, "as many members as behaviours");
    if (behaviour === "touch") {
      const other = cast[i + 1];
      invariant(other !== undefined, "a touch has two members");
      const pair = makeTouch(random, clock, board, member, other);
      if (pair === null) return null;
      touch = { seconds: pair.at * grid, mover: entities.length, other: entities.length + 1 };
      entities.push(...pair.entities);
      i++;
    } else {
      const entity = makeEntity(random, clock, board, member, behaviour);
      if (entity === null) return null;
      entities.push(entity);
    }
  }
  // Scenes are laid out in cells; from here on times are seconds, and the last cell ends with the video.
  const seconds = (cell: number): number => (cell === cells ? durationSeconds : cell * grid);
  for (const entity of entities) {
    for (const span of entity.spans) {
      span.start = seconds(span.start);
      span.end = seconds(span.end);
    }
    for (const change of entity.colours) change.start = seconds(change.start);
    for (const point of entity.paths.flat()) point.seconds = seconds(point.seconds);
    if (entity.move !== undefined) {
      entity.move.start = seconds(entity.move.start);
      entity.move.end = seconds(entity.move.end);
    }
  }
  return {
    split,
    level,
    durationSeconds,
    startSeconds: 0,
    gridSeconds: grid,
    background: makeBackground(random),
    entities,
    ...(touch === undefined ? {} : { touch }),
    cues: subtitles ? makeCues(random, cells, grid, durationSeconds) : [],
  };
}

function pickBehaviours(random: Random, level: number, cells: number): Behaviour[] {
  const many = cells >= 12 ? 1 : 0;
  if (level <= 1) {
    const count = random.integer(1, 3 + many);
    return Array.from({ length: count }, () => weighted(random, { stay: 7, recolour: 3 }));
  }
  if (level === 2) {
    const count = random.integer(2, 4 + many);
    return Array.from({ length: count }, () =>
      weighted(random, { stay: 4, recolour: 2.5, move: 2, group: 1.5 }),
    );
  }
  const result: Behaviour[] = [];
  if (random.uniform() < 0.5) result.push("touch", "touch");
  else if (random.uniform() < 0.35) result.push("blink");
  const count = random.integer(cells < 10 ? 2 : 3, 4 + many);
  while (result.length < count)
    result.push(weighted(random, { stay: 4, recolour: 2.5, move: 1.5, group: 2 }));
  return result;
}

function weighted(random: Random, weights: Partial<Record<Behaviour, number>>): Behaviour {
  const entries = Object.entries(weights) as [Behaviour, number][];
  let x = random.uniform() * entries.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [name, weight] of entries) {
    x -= weight;
    if (x < 0) return name;
  }
  return "stay";
}

interface Member {
  kind: Kind;
  form: Form;
  /** First colour and those it turns into. */
  colours: Colour[];
}

/** Who plays: forms differ, except that at level 3 two shapes that never change may share a form and differ in colour. */
function pickCast(random: Random, behaviours: readonly Behaviour[], split: Split, level: number): Member[] {
  const cast: Member[] = [];
  const heldoutIndex = random.integer(0, behaviours.length);
  behaviours.forEach((behaviour, index) => {
    const textual = behaviour === "stay" || behaviour === "recolour";
    const x = random.uniform();
    const kind: Kind = !textual || x < 0.55 ? "shape" : x < 0.75 ? "digit" : "word";
    const twin = cast.find(
      (other, i) => other.kind === "shape" && other.colours.length === 1 && behaviours[i] !== "blink",
    );
    const twinned = level === 3 && behaviour === "stay" && kind === "shape" && random.uniform() < 0.3;
    const used = new Set(cast.map(({ form }) => form));
    const form =
      twinned && twin !== undefined && cast.filter((other) => other.form === twin.form).length === 1
        ? twin.form
        : random.pick(forms[kind].filter((candidate) => !used.has(candidate)));
    const taken = new Set(cast.flatMap((other) => other.colours));
    const allowed = allowedColours(form, split);
    const free = allowed.filter((colour) => !taken.has(colour));
    const twins = cast.filter((other) => other.form === form);
    const first =
      split === "heldout" && index === heldoutIndex && twins.length === 0
        ? heldoutColour(form)
        : random.pick(
            free.length > 0
              ? free
              : allowed.filter((colour) => !twins.some((t) => t.colours.includes(colour))),
          );
    const colours = [first];
    const changes = behaviour === "recolour" ? (level === 3 && random.uniform() < 0.35 ? 2 : 1) : 0;
    for (let i = 0; i < changes; i++) colours.push(random.pick(allowed.filter((c) => !colours.includes(c))));
    cast.push({ kind, form, colours });
  });
  return cast;
}

/** Hands out cells so that every event has one of its own. */
class Clock {
  readonly cells: number;
  readonly #random: Random;
  readonly #used = new Set<number>();

  constructor(random: Random, cells: number) {
    this.#random = random;
    this.cells = cells;
  }

  /**
   * Increasing cells with the given least gaps between them (in cells), or null if a try failed. The last may be the
   * end of the video, which any number of things may share.
   */
  take(gaps: readonly number[]): number[] | null {
    const random = this.#random;
    const least = gaps.reduce((sum, gap) => sum + gap, 0);
    if (least > this.cells) return null;
    const latest = this.cells - least;
    const stays = random.uniform() < 0.35;
    for (let attempt = 0; attempt < 12; attempt++) {
      let slack = Math.min(latest, random.integer(0, latest + 1));
      // The first second is nothing special: without the second draw it would be the most frequent start.
      const start = random.integer(0, latest - slack + 1) || random.integer(0, latest - slack + 1);
      const times = [start];
      for (const gap of gaps) {
        const extra = random.integer(0, slack + 1);
        slack -= extra;
        times.push((times.at(-1) ?? 0) + gap + extra);
      }
      if (stays) times[times.length - 1] = this.cells;
      if (times.some((time) => time < this.cells && this.#used.has(time))) continue;
      for (const time of times) this.#used.add(time);
      return times;
    }
    return null;
  }

  /** Takes one cell within [low, high], or null. */
  takeBetween(low: number, high: number): number | null {
    const free: number[] = [];
    for (let time = low; time <= high; time++)
      if (time === this.cells || !this.#used.has(time)) free.push(time);
    if (free.length === 0) return null;
    const time = this.#random.pick(free);
    this.#used.add(time);
    return time;
  }
}

/** Hands out places: three columns and one or two rows, each taken for a stretch of time. */
export class Board {
  readonly rows: number;
  readonly #random: Random;
  readonly #taken: { place: number; start: number; end: number }[] = [];

  constructor(random: Random, rows: number) {
    this.#random = random;
    this.rows = rows;
  }

  /** Takes the first of the candidate sets of places that is free throughout, or null. */
  take(candidates: readonly (readonly number[])[], start: number, end: number): readonly number[] | null {
    for (const places of this.#random.shuffle(candidates)) {
      const clash = this.#taken.some(
        (taken) => places.includes(taken.place) && taken.start < end && start < taken.end,
      );
      if (clash) continue;
      for (const place of places) this.#taken.push({ place, start, end });
      return places;
    }
    return null;
  }

  /** All sets of one row's three places. */
  rowSets(): number[][] {
    return Array.from({ length: this.rows }, (_, row) => [row * 3, row * 3 + 1, row * 3 + 2]);
  }

  /** All sets of one column's places. */
  columnSets(): number[][] {
    return [0, 1, 2].map((column) => Array.from({ length: this.rows }, (_, row) => row * 3 + column));
  }

  /** Every place alone. */
  singles(): number[][] {
    return Array.from({ length: this.rows * 3 }, (_, place) => [place]);
  }
}

function centre(place: number): { x: number; y: number } {
  return { x: columnCentres[place % 3] ?? 0, y: rowCentres[Math.floor(place / 3)] ?? 0 };
}

function jittered(random: Random, place: number, radius: number): { x: number; y: number } {
  const { x, y } = centre(place);
  const room = Math.max(0, 17 - radius);
  return { x: x + random.integer(-room, room + 1), y: y + random.integer(-room - 2, room + 3) };
}

/** Where a thing stands that was given a place, or the first of a row's for a word; somewhat off its middle. */
export function positionIn(
  random: Random,
  kind: Kind,
  place: number,
  radius: number,
): { x: number; y: number } {
  if (kind !== "word") return jittered(random, place, radius);
  return { x: 56 + random.integer(-5, 6), y: centre(place).y + random.integer(-3, 4) };
}

function makeEntity(
  random: Random,
  clock: Clock,
  board: Board,
  member: Member,
  behaviour: Exclude<Behaviour, "touch">,
): Entity | null {
  const radius = random.integer(14, 18);
  const changes = member.colours.length - 1;
  const gaps =
    behaviour === "move"
      ? [1, 2, 1]
      : behaviour === "blink"
        ? [2, 1, 2]
        : Array.from({ length: changes + 1 }, () => 2);
  const times = clock.take(gaps);
  if (times === null) return null;
  const start = times[0] ?? 0;
  const end = times.at(-1) ?? 0;
  const base = {
    kind: member.kind,
    form: member.form,
    radius,
    spans: [{ start, end }],
    colours: member.colours.map((colour, i) => ({ start: times[i] ?? 0, colour })),
  };
  if (behaviour === "move") return makeMover(random, board, base, times);
  if (behaviour === "group") return makeGroup(random, board, base, radius);
  if (behaviour === "blink") {
    base.spans = [
      { start, end: times[1] ?? 0 },
      { start: times[2] ?? 0, end },
    ];
  }
  const sets = member.kind === "word" ? board.rowSets() : board.singles();
  const places = board.take(sets, start, end);
  if (places === null) return null;
  const position = positionIn(random, member.kind, places[0] ?? 0, radius);
  return { ...base, paths: [[{ seconds: start, ...position }]] };
}

function makeMover(
  random: Random,
  board: Board,
  base: Omit<Entity, "paths">,
  times: readonly number[],
): Entity | null {
  const [start, from, to, end] = times as [number, number, number, number];
  const vertical = board.rows > 1 && random.uniform() < 0.6;
  const places = board.take(vertical ? board.columnSets() : board.rowSets(), start, end);
  if (places === null) return null;
  const forwards = random.uniform() < 0.5;
  const a = jittered(random, (forwards ? places[0] : places.at(-1)) ?? 0, base.radius);
  const b = jittered(random, (forwards ? places.at(-1) : places[0]) ?? 0, base.radius);
  const direction: Direction = vertical ? (forwards ? "down" : "up") : forwards ? "right" : "left";
  // Straight along the axis, so that the direction is plain.
  const target = vertical ? { x: a.x, y: b.y } : { x: b.x, y: a.y };
  const path: Waypoint[] = [
    { seconds: start, ...a },
    { seconds: from, ...a },
    { seconds: to, ...target },
  ];
  return { ...base, paths: [path], move: { start: from, end: to, direction } };
}

function makeGroup(random: Random, board: Board, base: Omit<Entity, "paths">, radius: number): Entity | null {
  const most = board.rows * 3 - 1;
  const count = random.integer(2, Math.min(5, most) + 1);
  const all = board.singles().flat();
  const sets = Array.from({ length: 8 }, () => random.sample(all, count));
  const { start, end } = base.spans[0] ?? { start: 0, end: 0 };
  const places = board.take(sets, start, end);
  if (places === null) return null;
  return {
    ...base,
    paths: [...places]
      .sort((a, b) => a - b)
      .map((place) => [{ seconds: start, ...jittered(random, place, radius) }]),
  };
}

/** Half of a shape's width at its middle height, as a share of its radius: where two shapes side by side touch. */
const halfWidth: Partial<Record<Form, number>> = { triangle: 0.55, star: 0.62, square: 0.86 };

function makeTouch(
  random: Random,
  clock: Clock,
  board: Board,
  mover: Member,
  other: Member,
): { entities: [Entity, Entity]; at: number } | null {
  const times = clock.take([1, 2, 1]);
  if (times === null) return null;
  const [start, from, at, end] = times as [number, number, number, number];
  const otherStart = clock.takeBetween(0, from - 1);
  const otherEnd = clock.takeBetween(at + 1, clock.cells);
  if (otherStart === null || otherEnd === null) return null;
  const places = board.take(board.rowSets(), Math.min(start, otherStart), Math.max(end, otherEnd));
  if (places === null) return null;
  const radius = random.integer(14, 17);
  const y = centre(places[0] ?? 0).y + random.integer(-3, 4);
  const forwards = random.uniform() < 0.5;
  const fromX = forwards ? 19 : 93;
  const otherX = forwards ? 92 : 20;
  const reach = radius * ((halfWidth[mover.form] ?? 1) + (halfWidth[other.form] ?? 1)) - 2;
  const path: Waypoint[] = [
    { seconds: start, x: fromX, y },
    { seconds: from, x: fromX, y },
    { seconds: at, x: forwards ? otherX - reach : otherX + reach, y },
  ];
  const entity = (member: Member, span: { start: number; end: number }, points: Waypoint[]): Entity => ({
    kind: member.kind,
    form: member.form,
    radius,
    spans: [span],
    colours: [{ start: span.start, colour: member.colours[0] as Colour }],
    paths: [points],
  });
  return {
    entities: [
      {
        ...entity(mover, { start, end }, path),
        move: { start: from, end: at, direction: forwards ? "right" : "left" },
      },
      entity(other, { start: otherStart, end: otherEnd }, [{ seconds: otherStart, x: otherX, y }]),
    ],
    at,
  };
}

/** Draws a background. */
export function makeBackground(random: Random): Background {
  const tint = (): [number, number, number] => {
    const grey = random.integer(14, 56);
    const shift = (): number => Math.max(0, grey + random.integer(-7, 8));
    return [shift(), shift(), shift()];
  };
  const top = tint();
  const bottom = random.uniform() < 0.5 ? tint() : top;
  return {
    top,
    bottom,
    pattern: random.pick(["plain", "plain", "checks", "stripes"] as const),
    contrast: random.integer(4, 12),
    period: random.integer(7, 28),
  };
}

/** What subtitles say: short, so that one line of large letters holds it. */
function makeCues(random: Random, cells: number, grid: number, duration: number): Scene["cues"] {
  const count = cells >= 8 && random.uniform() < 0.6 ? 2 : 1;
  const texts = random.sample(
    [...forms.word.map((word) => `say ${word}`), ...forms.digit.map((digit) => `code ${digit}`)],
    count,
  );
  const share = Math.floor(cells / count);
  return texts.map((text, i) => {
    const length = random.integer(2, Math.max(3, share - 1));
    const start = i * share + random.integer(0, share - length + 1);
    const end = start + length;
    return {
      startSeconds: start * grid,
      endSeconds: (end >= cells ? duration : end * grid) - 0.1,
      text,
    };
  });
}
