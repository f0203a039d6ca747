/** How things, times and happenings are put into words. */

import type { Random } from "../../base/index.ts";
import { colourAt, type Entity, startOf } from "./scene.ts";

/** A time as `MM:SS`. */
export function clock(seconds: number): string {
  const whole = Math.floor(seconds);
  return `${String(Math.floor(whole / 60)).padStart(2, "0")}:${String(whole % 60).padStart(2, "0")}`;
}

/** What an entity is without its colour, in the plural for groups: `circle`, `circles`, `digit 7`, `word SUN`. */
export function nounOf(entity: Entity): string {
  if (entity.kind === "digit") return `digit ${entity.form}`;
  if (entity.kind === "word") return `word ${entity.form}`;
  if (entity.paths.length === 1) return entity.form;
  return entity.form === "cross" ? "crosses" : `${entity.form}s`;
}

/**
 * An entity with the colour it has at a time (default: when it appears), without an article: `red circle`. Without the
 * colour where that has no name.
 */
export function labelOf(entity: Entity, seconds = startOf(entity)): string {
  if (entity.blend !== undefined) return nounOf(entity);
  const label = `${colourAt(entity, seconds)} ${nounOf(entity)}`;
  return entity.paths.length > 1 ? `${entity.paths.length} ${label}` : label;
}

/** With an indefinite article: `a red circle`, `an orange star`, `3 green squares`. */
export function indefinite(label: string): string {
  if (/^\d/.test(label)) return label;
  return `${/^[aeiou]/.test(label) ? "an" : "a"} ${label}`;
}

/** With a definite article; a group's number is left out: `the green squares`. */
export function definite(label: string): string {
  return `the ${label.replace(/^\d+ /, "")}`;
}

/** A verb phrase that agrees with an entity: `appears` for one, `appear` for a group; `is on screen`, `are on screen`. */
export function agree(entity: Entity, phrase: string): string {
  return entity.paths.length === 1 ? phrase : plural(phrase);
}

/** A verb phrase in the plural: `goes away` to `go away`, `is visible` to `are visible`. */
export function plural(phrase: string): string {
  const [first = "", ...rest] = phrase.split(" ");
  const irregular: Record<string, string> = { is: "are", does: "do", goes: "go", has: "have", can: "can" };
  return [irregular[first] ?? first.replace(/s$/, ""), ...rest].join(" ");
}

/** The words joined as in speech: `a, b and c`. */
export function listed(parts: readonly string[]): string {
  return parts.length < 2 ? (parts[0] ?? "") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}

/** The text with its first letter in upper case. */
export function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Something that is true at a second or for some time: what reasoning and grounding are made of. */
export interface Fact {
  startSeconds: number;
  /** Where it lasts; its end. */
  endSeconds?: number;
  /** A clause that begins in lower case: `a red circle appears`. */
  text: string;
}

/** How one piece of reasoning is phrased throughout. */
export interface Style {
  /** 0 to 2: where the time stands in a sentence. */
  order: number;
  /** The verbs for the happenings. */
  appears: string;
  disappears: string;
  turns: string;
  isOnScreen: string;
}

/** Draws a way of phrasing; plain verbs are the most frequent. */
export function makeStyle(random: Random): Style {
  const plain = random.uniform() < 0.7;
  const choose = (first: string, ...others: string[]): string =>
    plain ? first : random.pick([first, ...others]);
  return {
    order: random.pick([0, 0, 0, 0, 0, 0, 1, 2, 2, 2]),
    appears: choose("appears", "shows up", "comes into view"),
    disappears: choose("disappears", "goes away"),
    turns: choose("turns", "becomes", "changes to"),
    isOnScreen: choose("is on screen", "is visible", "can be seen"),
  };
}

/** The style of the grounding: the plain one. */
export const plainStyle: Style = {
  order: 0,
  appears: "appears",
  disappears: "disappears",
  turns: "turns",
  isOnScreen: "is on screen",
};

/** A fact as a sentence with its time. */
export function factSentence(fact: Fact, style: Style): string {
  const { startSeconds, endSeconds, text } = fact;
  if (endSeconds === undefined) {
    const at = clock(startSeconds);
    if (style.order === 1) return `${capitalised(text)} at ${at}.`;
    return style.order === 2 ? `At ${at}, ${text}.` : `At ${at} ${text}.`;
  }
  const [from, to] = [clock(startSeconds), clock(endSeconds)];
  if (style.order === 1) return `${capitalised(text)} from ${from} to ${to}.`;
  return style.order === 2 ? `From ${from} to ${to}, ${text}.` : `From ${from} to ${to} ${text}.`;
}
