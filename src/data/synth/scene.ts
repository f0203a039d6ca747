/**
 * A scene: everything that a generated video shows, as data. The picture, the events, the questions and the answers
 * all follow from it. Positions are in units of 1/112 of the picture's side; times are whole seconds.
 */

import { invariant } from "../../base/index.ts";
import type { Cue } from "../../video/index.ts";
import type { Colour, Form, Kind, Split } from "./vocabulary.ts";

/** The side of the picture in the units of positions. */
export const sceneSize = 112;

/** Where the three columns and the two rows are centred; the top is left free for the time drawn there. */
export const columnCentres = [20, 56, 92] as const;
/** The vertical centres of the two rows. */
export const rowCentres = [46, 89] as const;

/** What the columns are called. */
export const columnNames = ["left", "middle", "right"] as const;

/** The column around whose centre something stands; undefined between two. */
export function columnOf(x: number): (typeof columnNames)[number] | undefined {
  return columnNames[columnCentres.findIndex((centre) => Math.abs(centre - x) <= 6)];
}

/** The row that something is in. */
export function rowOf(y: number): "top" | "bottom" {
  return y > (rowCentres[0] + rowCentres[1]) / 2 ? "bottom" : "top";
}

/** A position at a time; between two of them things move along a straight line at constant speed. */
export interface Waypoint {
  seconds: number;
  x: number;
  y: number;
}

/** A thing, or a group of like things, that is on screen for some time. */
export interface Entity {
  kind: Kind;
  form: Form;
  /** Half of a shape's width, in scene units; unused for text. */
  radius: number;
  /** When it is on screen, in order; the end is the first second in which it is not. */
  spans: { start: number; end: number }[];
  /** Its colours, each from a second on; the first from the first appearance. */
  colours: { start: number; colour: Colour }[];
  /** Where the members are: one path for a single thing, one each for a group. */
  paths: Waypoint[][];
  /**
   * Where it is painted in two colours that pass into each other, and so has no colour with a name: the first of
   * `colours` and this one, along a direction.
   */
  blend?: { colour: Colour; dx: number; dy: number };
  /** Its movement, where it has one. */
  move?: { start: number; end: number; direction: Direction };
}

/** A direction of movement, as seen. */
export type Direction = "left" | "right" | "up" | "down";

/** How a background is painted. */
export interface Background {
  /** RGB at the top and at the bottom, 0..255; dark. */
  top: [number, number, number];
  bottom: [number, number, number];
  pattern: "plain" | "checks" | "stripes";
  /** How much lighter the pattern is, 0..255. */
  contrast: number;
  /** Width of a check or stripe in scene units. */
  period: number;
}

/** One video's content. */
export interface Scene {
  split: Split;
  /** 1 to 3: how much happens; 0 for stills that follow one another. */
  level: number;
  durationSeconds: number;
  /** What the clock shows at the first frame; all times are by this clock. 0 for most scenes. */
  startSeconds: number;
  /** Every event is on a multiple of this, in seconds, so that sparse sampling still sees it. */
  gridSeconds: number;
  background: Background;
  entities: Entity[];
  /** When two entities (indices) touch, the first having moved to the second. */
  touch?: { seconds: number; mover: number; other: number };
  /** Subtitles; empty for most scenes. */
  cues: Cue[];
}

/** What the clock shows at the end. */
export function endSecondsOf({ startSeconds, durationSeconds }: Scene): number {
  return startSeconds + durationSeconds;
}

/** The whole seconds of a scene, by its clock. */
export function secondsOf({ startSeconds, durationSeconds }: Scene): number[] {
  return Array.from({ length: durationSeconds }, (_, i) => startSeconds + i);
}

/** Whether an entity is on screen at a time. */
export function isVisible(entity: Entity, seconds: number): boolean {
  return entity.spans.some(({ start, end }) => start <= seconds && seconds < end);
}

/** The colour of an entity at a time (its first colour before it appears). */
export function colourAt(entity: Entity, seconds: number): Colour {
  const last = entity.colours.findLast(({ start }) => start <= seconds) ?? entity.colours[0];
  invariant(last !== undefined, "an entity has a colour");
  return last.colour;
}

/** Where along a path a thing is at a time. */
export function positionAt(path: readonly Waypoint[], seconds: number): { x: number; y: number } {
  const next = path.findIndex((point) => point.seconds > seconds);
  const before = path[next === -1 ? path.length - 1 : Math.max(0, next - 1)];
  invariant(before !== undefined, "a path has a point");
  const after = next > 0 ? path[next] : undefined;
  if (after === undefined) return { x: before.x, y: before.y };
  const share = (seconds - before.seconds) / (after.seconds - before.seconds);
  return { x: before.x + share * (after.x - before.x), y: before.y + share * (after.y - before.y) };
}

/** The entities on screen at a time, in the scene's order. */
export function visibleAt(scene: Scene, seconds: number): Entity[] {
  return scene.entities.filter((entity) => isVisible(entity, seconds));
}

/** The first second of an entity's first appearance. */
export function startOf(entity: Entity): number {
  return entity.spans[0]?.start ?? 0;
}

/** The second in which an entity is gone for good. */
export function endOf(entity: Entity): number {
  return entity.spans.at(-1)?.end ?? 0;
}
