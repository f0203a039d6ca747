/** What happens in a scene, in order of time, and what is to be seen between: the facts that can be cited. */

import {
  colourAt,
  columnOf,
  type Entity,
  endOf,
  endSecondsOf,
  positionAt,
  rowOf,
  type Scene,
  sceneSize,
  startOf,
  visibleAt,
} from "./scene.ts";
import {
  agree,
  capitalised,
  clock,
  definite,
  type Fact,
  indefinite,
  labelOf,
  listed,
  plainStyle,
  plural,
  type Style,
} from "./wording.ts";

/** One happening. */
export interface SceneEvent {
  kind: "appear" | "disappear" | "recolour" | "move" | "touch";
  startSeconds: number;
  /** Movements only: when it stops. */
  endSeconds?: number;
  entity: Entity;
  /** Touches only: what is touched. */
  other?: Entity;
}

/** Everything that happens, in order of time; what stays to the end does not disappear. */
export function eventsOf(scene: Scene): SceneEvent[] {
  const events: SceneEvent[] = [];
  for (const entity of scene.entities) {
    for (const { start, end } of entity.spans) {
      events.push({ kind: "appear", startSeconds: start, entity });
      if (end < endSecondsOf(scene)) events.push({ kind: "disappear", startSeconds: end, entity });
    }
    for (const { start } of entity.colours.slice(1))
      events.push({ kind: "recolour", startSeconds: start, entity });
    if (entity.move !== undefined)
      events.push({ kind: "move", startSeconds: entity.move.start, endSeconds: entity.move.end, entity });
  }
  if (scene.touch !== undefined) {
    const entity = scene.entities[scene.touch.mover];
    const other = scene.entities[scene.touch.other];
    if (entity !== undefined && other !== undefined)
      events.push({ kind: "touch", startSeconds: scene.touch.seconds, entity, other });
  }
  return events.sort((a, b) => a.startSeconds - b.startSeconds);
}

/** An event as a fact. */
export function eventFact(event: SceneEvent, style: Style): Fact {
  const { entity, startSeconds, kind } = event;
  const before = labelOf(entity, startSeconds - 0.5);
  switch (kind) {
    case "appear": {
      const again = startSeconds > startOf(entity) ? " again" : "";
      const label = labelOf(entity, startSeconds);
      return {
        startSeconds,
        text: `${again ? definite(label) : indefinite(label)} ${agree(entity, style.appears)}${again}`,
      };
    }
    case "disappear":
      return { startSeconds, text: `${definite(before)} ${agree(entity, style.disappears)}` };
    case "recolour":
      return {
        startSeconds,
        text: `${definite(before)} ${agree(entity, style.turns)} ${colourAt(entity, startSeconds)}`,
      };
    case "move":
      return {
        startSeconds,
        ...(event.endSeconds === undefined ? {} : { endSeconds: event.endSeconds }),
        text: `${definite(before)} moves ${entity.move?.direction}`,
      };
    case "touch":
      return {
        startSeconds,
        text: `${definite(before)} touches ${definite(event.other === undefined ? "" : labelOf(event.other, startSeconds))}`,
      };
  }
}

/** An entity in one of its colours, for as long as it is on screen in it without a break. */
export interface Phase {
  entity: Entity;
  start: number;
  end: number;
}

/** The phases of an entity, in order. */
export function phasesOf(entity: Entity): Phase[] {
  return entity.spans.flatMap(({ start, end }) => {
    const cuts = [start, ...entity.colours.map((c) => c.start).filter((t) => start < t && t < end), end];
    return cuts.slice(0, -1).map((from, i) => ({ entity, start: from, end: cuts[i + 1] ?? end }));
  });
}

/** A phase as a fact that lasts. */
export function phaseFact(phase: Phase, style: Style): Fact {
  const { entity, start, end } = phase;
  return {
    startSeconds: start,
    endSeconds: end,
    text: `${indefinite(labelOf(entity, start))} ${agree(entity, style.isOnScreen)}`,
  };
}

/** Top row before bottom row, left before right: an order that the picture itself gives. */
function readingOrder(entities: readonly Entity[], seconds: number): Entity[] {
  const rank = (entity: Entity): number => {
    const { x, y } = positionAt(entity.paths[0] ?? [], seconds);
    return (rowOf(y) === "bottom" ? sceneSize : 0) + x;
  };
  return [...entities].sort((a, b) => rank(a) - rank(b));
}

/** What is on screen at a second, in reading order: `a blue square`, `3 red circles`. */
export function thingsAt(scene: Scene, seconds: number): string[] {
  const visible = readingOrder(visibleAt(scene, seconds), seconds);
  return visible.map((entity) => indefinite(labelOf(entity, seconds)));
}

/** All that is on screen at a second, in reading order, as a fact of that second. */
export function screenFact(scene: Scene, seconds: number, style: Style): Fact {
  const [first, ...others] = visibleAt(scene, seconds);
  if (first === undefined) return { startSeconds: seconds, text: "the screen is empty" };
  const is = others.length > 0 ? plural(style.isOnScreen) : agree(first, style.isOnScreen);
  return { startSeconds: seconds, text: `${listed(thingsAt(scene, seconds))} ${is}` };
}

/** All that is on screen at a second, each thing with its place, in reading order; null where there is nothing, or a group. */
export function placesFact(scene: Scene, seconds: number): Fact | null {
  const visible = readingOrder(visibleAt(scene, seconds), seconds);
  if (visible.length === 0 || visible.some(({ paths }) => paths.length > 1)) return null;
  const places = visible.map((entity) => {
    const { x, y } = positionAt(entity.paths[0] ?? [], seconds);
    const place = entity.kind === "word" ? rowOf(y) : `${rowOf(y)} ${columnOf(x)}`;
    return `the ${place} shows ${indefinite(labelOf(entity, seconds))}`;
  });
  return { startSeconds: seconds, text: listed(places) };
}

/** The times between which nothing changes on screen, from the start to the end. */
export function stretchesOf(scene: Scene): { start: number; end: number }[] {
  const cuts = new Set([scene.startSeconds, endSecondsOf(scene)]);
  for (const entity of scene.entities)
    for (const { start, end } of phasesOf(entity)) {
      cuts.add(start);
      cuts.add(end);
    }
  const sorted = [...cuts].sort((a, b) => a - b);
  return sorted.slice(0, -1).map((start, i) => ({ start, end: sorted[i + 1] ?? start }));
}

/** Everything that reasoning about a scene may cite, by time: events at their second, states over their stretch. */
export function groundingOf(scene: Scene): Record<string, string> {
  const sentences = new Map<string, string[]>();
  const add = (fact: Fact): void => {
    const key =
      fact.endSeconds === undefined
        ? clock(fact.startSeconds)
        : `${clock(fact.startSeconds)}-${clock(fact.endSeconds)}`;
    const sentence = `${capitalised(fact.text)}.`;
    const known = sentences.get(key) ?? [];
    if (!known.includes(sentence)) sentences.set(key, [...known, sentence]);
  };
  for (const event of eventsOf(scene)) add(eventFact(event, plainStyle));
  for (const { start, end } of stretchesOf(scene))
    add({ ...screenFact(scene, start, plainStyle), endSeconds: end });
  for (const entity of scene.entities)
    for (const phase of phasesOf(entity)) add(phaseFact(phase, plainStyle));
  for (const cue of scene.cues)
    add({
      startSeconds: cue.startSeconds,
      endSeconds: Math.ceil(cue.endSeconds),
      text: `the subtitles say "${cue.text}"`,
    });
  return Object.fromEntries([...sentences].map(([key, list]) => [key, list.join(" ")]));
}

/** Whether an entity leaves the screen before the video ends. */
export function leaves(scene: Scene, entity: Entity): boolean {
  return endOf(entity) < endSecondsOf(scene);
}
