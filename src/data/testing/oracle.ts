/**
 * A second way to answer the synthetic world's questions: it reads the question's words and looks the answer up in a
 * table of what is on screen in each second. It shares no code with the question kinds, and it throws where a
 * question could mean two things.
 */

import { colourAt, isVisible, positionAt, type Scene } from "../synth/scene.ts";

/** One thing in one second. */
interface Seen {
  id: number;
  kind: string;
  form: string;
  colour: string;
  count: number;
  x: number;
  y: number;
}

/** What is on screen in each second: row `s` holds for `s <= t < s + 1`. */
export type Table = Seen[][];

/** Samples a scene once a second, a quarter into it. */
export function tableOf(scene: Scene): Table {
  return Array.from({ length: scene.durationSeconds }, (_, second) => {
    const at = second + 0.25;
    return scene.entities.flatMap((entity, id) => {
      if (!isVisible(entity, at)) return [];
      const { x, y } = positionAt(entity.paths[0] ?? [], at);
      return [
        {
          id,
          kind: entity.kind,
          form: entity.form,
          colour: colourAt(entity, at),
          count: entity.paths.length,
          x,
          y,
        },
      ];
    });
  });
}

const colourPattern = "red|orange|yellow|green|cyan|blue|purple|white";
const shapePattern = "circle|square|triangle|star|diamond|cross|ring";

/** A thing as it is called: `the 3 red circles`, `a word SUN`, `the digit 7`. */
interface Name {
  colour: string | null;
  form: string;
}

function parseName(text: string): Name {
  const match = new RegExp(
    `^(?:an? |the )?(?:\\d )?(?:(${colourPattern}) )?(?:word ([A-Z]+)|digit (\\d)|(${shapePattern})(?:s|es)?)$`,
  ).exec(text.trim());
  if (match === null) throw new Error(`oracle: no thing is called ${JSON.stringify(text)}`);
  return { colour: match[1] ?? null, form: match[2] ?? match[3] ?? match[4] ?? "" };
}

/** Parses seconds from `MM:SS`, `at MM:SS` or `at second N`. */
function parseTime(text: string): number {
  const match = /(\d\d):(\d\d)/.exec(text);
  if (match !== null) return Number(match[1]) * 60 + Number(match[2]);
  const second = /second (\d+)/.exec(text);
  if (second === null) throw new Error(`oracle: no time in ${JSON.stringify(text)}`);
  return Number(second[1]);
}

/** One change between two seconds. */
interface Change {
  seconds: number;
  id: number;
  what: "appears" | "disappears" | "turns" | "moves" | "touches";
  to?: string;
}

/** What the oracle knows about one scene. */
export class Oracle {
  readonly table: Table;
  readonly scene: Scene;

  constructor(scene: Scene) {
    this.scene = scene;
    this.table = tableOf(scene);
  }

  /** All changes, read off from neighbouring rows of the table. */
  changes(): Change[] {
    const found: Change[] = [];
    const moving = new Set<number>();
    for (let second = 0; second < this.table.length; second++) {
      const now = this.table[second] ?? [];
      const before = this.table[second - 1] ?? [];
      for (const thing of now) {
        const was = before.find(({ id }) => id === thing.id);
        if (was === undefined) found.push({ seconds: second, id: thing.id, what: "appears" });
        else if (was.colour !== thing.colour)
          found.push({ seconds: second, id: thing.id, what: "turns", to: thing.colour });
        if (was !== undefined && was.count === 1) {
          const still = was.x === thing.x && was.y === thing.y;
          if (!still && !moving.has(thing.id)) found.push({ seconds: second, id: thing.id, what: "moves" });
          moving[still ? "delete" : "add"](thing.id);
        }
      }
      for (const was of before)
        if (!now.some(({ id }) => id === was.id))
          found.push({ seconds: second, id: was.id, what: "disappears" });
    }
    return found.sort((a, b) => a.seconds - b.seconds);
  }

  /** The one thing of the scene that a name can mean. @throws Error if it can mean none or several */
  find(text: string): number {
    const { colour, form } = parseName(text);
    const ids = new Set<number>();
    for (const row of this.table)
      for (const thing of row)
        if (thing.form === form && (colour === null || thing.colour === colour)) ids.add(thing.id);
    const [id] = ids;
    if (ids.size !== 1 || id === undefined) throw new Error(`oracle: ${text} means ${ids.size} things`);
    return id;
  }

  seconds(id: number): number[] {
    return this.table.flatMap((row, second) => (row.some((thing) => thing.id === id) ? [second] : []));
  }

  label(id: number, second = this.seconds(id)[0] ?? 0): string {
    const thing = this.table[second]?.find((seen) => seen.id === id);
    if (thing === undefined) throw new Error(`oracle: thing ${id} is not there at ${second}`);
    const noun =
      thing.kind === "shape"
        ? thing.count === 1
          ? thing.form
          : `${thing.form}${thing.form === "cross" ? "es" : "s"}`
        : `${thing.kind} ${thing.form}`;
    return `${thing.count > 1 ? `${thing.count} ` : ""}${thing.colour} ${noun}`;
  }

  /** Seconds at which what a clause says happens: `the circle turns blue`. */
  whenClause(clause: string): number[] {
    const match = /^(.*?) (appears?|disappears?|turns? (\w+)|starts? to move|touch(?:es)? (.*))$/.exec(
      clause.trim(),
    );
    if (match === null) throw new Error(`oracle: no clause ${JSON.stringify(clause)}`);
    const [, name = "", verb = "", colour, other] = match;
    const id = this.find(name);
    if (other !== undefined) {
      const { touch } = this.scene;
      if (touch === undefined || touch.mover !== id || touch.other !== this.find(other)) return [];
      return [touch.seconds];
    }
    const what = verb.startsWith("start") ? "moves" : `${verb.split(" ")[0]?.replace(/s$/, "")}s`;
    return this.changes()
      .filter(
        (change) =>
          change.id === id && change.what === what && (colour === undefined || change.to === colour),
      )
      .map((change) => (what === "moves" ? this.moveStart(change) : change.seconds));
  }

  // A movement is seen in the table a second after it began; its first quarter second is in the row before.
  private moveStart(change: Change): number {
    const entity = this.scene.entities[change.id];
    const path = entity?.paths[0] ?? [];
    for (let at = change.seconds - 1; at <= change.seconds; at++)
      if (
        positionAt(path, at + 0.5).x !== positionAt(path, at).x ||
        positionAt(path, at + 0.5).y !== positionAt(path, at).y
      )
        return at;
    return change.seconds;
  }

  /** The answer to a question in words, or for questions about clauses the options that are right. */
  answer(question: string, options: readonly string[]): string | string[] {
    const timed = /^(At (?:\d\d:\d\d|second \d+)), (.*)\?$/.exec(question);
    const trailing = /^(.*) (at (?:\d\d:\d\d|second \d+))(: left, middle or right)?\?$/.exec(question);
    if (timed !== null)
      return this.atSecond(
        parseTime(timed[1] ?? ""),
        (timed[2] ?? "").toLowerCase().replace(/: left.*/, ""),
        options,
        timed[2] ?? "",
      );
    if (trailing !== null)
      return this.atSecond(
        parseTime(trailing[2] ?? ""),
        (trailing[1] ?? "").toLowerCase(),
        options,
        trailing[1] ?? "",
      );
    return this.overall(question.slice(0, -1), options);
  }

  private atSecond(
    second: number,
    question: string,
    options: readonly string[],
    original: string,
  ): string | string[] {
    const row = this.table[second];
    if (row === undefined) throw new Error(`oracle: ${second} is outside the video`);
    const only = (things: readonly Seen[]): Seen => {
      const [thing] = things;
      if (things.length !== 1 || thing === undefined)
        throw new Error(`oracle: ${question} means ${things.length} things`);
      return thing;
    };
    const named = (text: string): Seen => {
      const { colour, form } = parseName(
        text.replace(/word (\w+)/, (_all, word: string) => `word ${word.toUpperCase()}`),
      );
      return only(row.filter((thing) => thing.form === form && (colour === null || thing.colour === colour)));
    };
    let match: RegExpExecArray | null;
    if (question === "what happens")
      return options.filter((clause) => this.whenClause(clause).includes(second));
    match = /^(?:what|which) colou?r (?:is|are|does|do) the (.*?)(?: have)?$/.exec(question);
    if (match !== null)
      return match[1] === "thing on screen" ? only(row).colour : named(match[1] ?? "").colour;
    match = new RegExp(
      `^(?:what shape is the (${colourPattern}) thing|which shape is (${colourPattern}))$`,
    ).exec(question);
    if (match !== null) return only(row.filter(({ colour }) => colour === (match?.[1] ?? match?.[2]))).form;
    if (/^(which|what) shape /.test(question)) return only(row.filter(({ kind }) => kind === "shape")).form;
    match = /^(?:which|what) (word|digit) /.exec(question);
    if (match !== null) return only(row.filter(({ kind }) => kind === match?.[1])).form;
    match = /^how many (\w+) (?:are|can)/.exec(question);
    if (match !== null) {
      const noun = match[1] ?? "";
      const counted = row.filter(
        ({ kind, form }) => kind === "shape" && (noun === "shapes" || form === parseName(noun).form),
      );
      return String(counted.reduce((sum, { count }) => sum + count, 0));
    }
    match = /^(?:where|on which part of the screen) is (.*)$/.exec(question);
    if (match !== null) {
      const { x } = named(match[1] ?? "");
      return x < 38 ? "left" : x < 75 ? "middle" : "right";
    }
    match = /^(?:is there|is|can) (an? .*?)(?: on screen| be seen)$/.exec(question);
    if (match !== null) {
      const { colour, form } = parseName(match[1] ?? "");
      return row.some((thing) => thing.form === form && thing.colour === colour) ? "yes" : "no";
    }
    if (/^what (do the subtitles say|is said|is the subtitle)$/.test(question)) {
      const cues = this.scene.cues.filter(
        (cue) => cue.startSeconds <= second + 0.05 && second + 0.05 < cue.endSeconds,
      );
      if (cues.length !== 1) throw new Error(`oracle: ${cues.length} subtitles at ${second}`);
      return cues[0]?.text ?? "";
    }
    if (/^what (is on screen|can be seen|does the video show)$/.test(question))
      return this.label(only(row).id, second);
    throw new Error(`oracle: not understood: ${original}`);
  }

  private firstSecond(name: string): number {
    const times = this.changes().filter(({ id, what }) => what === "appears" && id === this.find(name));
    if (times.length !== 1) throw new Error(`oracle: ${name} appears ${times.length} times`);
    return times[0]?.seconds ?? 0;
  }

  /** Ids in order of appearance. @throws Error if two appear at once or one appears twice */
  private inOrder(): number[] {
    const found = this.changes().filter(({ what }) => what === "appears");
    if (new Set(found.map(({ seconds }) => seconds)).size < found.length)
      throw new Error("oracle: two appear at once");
    const ids = found.map(({ id }) => id);
    if (new Set(ids).size < ids.length) throw new Error("oracle: one appears twice");
    return ids;
  }

  private overall(question: string, options: readonly string[]): string | string[] {
    let match: RegExpExecArray | null;
    if (/^(Which of these happens first|What happens first|Which event is the earliest)$/.test(question)) {
      const times = options.map((clause) => {
        const found = this.whenClause(clause);
        if (found.length !== 1) throw new Error(`oracle: ${clause} ${found.length} times`);
        return found[0] ?? 0;
      });
      return options.filter((_, i) => times[i] === Math.min(...times));
    }
    match =
      /^(?:What appears (first|last) in the video|What is the (first|last) thing that appears|What comes into view (first|last))$/.exec(
        question,
      );
    if (match !== null) {
      const id = this.inOrder().at((match[1] ?? match[2] ?? match[3]) === "first" ? 0 : -1);
      return this.label(id ?? -1);
    }
    match = /^What (?:appears right|is the (?:next|last) thing to appear) (after|before) (.*)$/.exec(
      question,
    );
    if (match !== null) {
      const order = this.inOrder();
      const at = order.indexOf(this.find(match[2] ?? "")) + (match[1] === "after" ? 1 : -1);
      return this.label(order[at] ?? -1);
    }
    match =
      /^(?:Do|Does) (?<a>.*) appear before or after (?<b>.*)$/.exec(question) ??
      /^Is it before or after (?<b>.*) that (?<a>.*?) appears?$/.exec(question);
    if (match !== null)
      return this.firstSecond(match.groups?.a ?? "") < this.firstSecond(match.groups?.b ?? "")
        ? "before"
        : "after";
    if (/^How many shapes |^Count all shapes/.test(question)) {
      const found = this.changes().filter(({ what }) => what === "appears");
      const ids = found.map(({ id }) => id);
      const shapes = ids.filter((id) => this.scene.entities[id]?.kind === "shape");
      if (new Set(shapes).size < shapes.length) throw new Error("oracle: a shape appears twice");
      return String(
        shapes.reduce((sum, id) => sum + (this.table.flat().find((thing) => thing.id === id)?.count ?? 0), 0),
      );
    }
    match = /^How many times (?:does|do) (.*) appear$/.exec(question);
    if (match !== null) {
      const id = this.find(match[1] ?? "");
      return String(this.changes().filter((change) => change.id === id && change.what === "appears").length);
    }
    match = /^How many times does (.*) change colou?r$/.exec(question);
    if (match !== null) {
      const id = this.find(match[1] ?? "");
      return String(this.changes().filter((change) => change.id === id && change.what === "turns").length);
    }
    match =
      /^(?:For how many seconds|How long) (?:is|are) (.*) on screen(?:, in seconds)?$|^How many seconds (?:does|do) (.*) stay$/.exec(
        question,
      );
    if (match !== null) return String(this.seconds(this.find(match[1] ?? match[2] ?? "")).length);
    match = /^Which (?:is on screen|stays) longer[:,] (.*) or (.*)$/.exec(question);
    if (match !== null) {
      const [a, b] = [this.find(match[1] ?? ""), this.find(match[2] ?? "")];
      const [lengthA, lengthB] = [this.seconds(a).length, this.seconds(b).length];
      if (lengthA === lengthB) throw new Error("oracle: equally long");
      return this.label(lengthA > lengthB ? a : b);
    }
    match = /^(?:When|At what time|At which second of the video) (?:does|do) (.*)$/.exec(question);
    if (match !== null) {
      const times = this.whenClause(match[1] ?? "");
      if (times.length !== 1) throw new Error(`oracle: ${match[1]} ${times.length} times`);
      return `00:${String(times[0]).padStart(2, "0")}`.replace(/^00:6(\d)$/, "01:0$1");
    }
    match = /^(?:In which direction|Which way|Where) does (.*?) move(?:: left, right, up or down)?$/.exec(
      question,
    );
    if (match !== null) {
      const id = this.find(match[1] ?? "");
      const seen = this.table.flatMap((row) => row.filter((thing) => thing.id === id));
      const [first, last] = [seen[0], seen.at(-1)];
      if (first === undefined || last === undefined) throw new Error("oracle: not seen");
      const [dx, dy] = [last.x - first.x, last.y - first.y];
      return Math.abs(dx) > Math.abs(dy) ? (dx > 0 ? "right" : "left") : dy > 0 ? "down" : "up";
    }
    match = /^(?:What|Which) colou?r (?:does|is) (.*?) (?:turn|change to|after it changes)$/.exec(question);
    if (match !== null) {
      const id = this.find(match[1] ?? "");
      const turns = this.changes().filter((change) => change.id === id && change.what === "turns");
      if (turns.length !== 1) throw new Error(`oracle: ${turns.length} changes`);
      return turns[0]?.to ?? "";
    }
    match =
      /^(?:What|Which) colou?r (?:is|does) (.*?) (?:right|have just) before it (?:turns|becomes) (\w+)$/.exec(
        question,
      );
    if (match !== null) {
      const id = this.find(match[1] ?? "");
      const turns = this.changes().filter((change) => change.id === id && change.to === match?.[2]);
      if (turns.length !== 1) throw new Error(`oracle: ${turns.length} changes`);
      return this.table[(turns[0]?.seconds ?? 0) - 1]?.find((thing) => thing.id === id)?.colour ?? "";
    }
    match = /^What (?:does (.*) (?:touch|run into)|is touched by (.*))$/.exec(question);
    if (match !== null) {
      const { touch } = this.scene;
      if (touch === undefined || touch.mover !== this.find(match[1] ?? match[2] ?? ""))
        throw new Error("oracle: nothing is touched");
      return this.label(touch.other);
    }
    match = /^What do the subtitles say when (.*?) appears?$/.exec(question);
    if (match !== null) {
      const at = this.firstSecond(match[1] ?? "");
      const cues = this.scene.cues.filter((cue) => cue.startSeconds <= at && at < cue.endSeconds);
      if (cues.length !== 1) throw new Error(`oracle: ${cues.length} subtitles`);
      return cues[0]?.text ?? "";
    }
    throw new Error(`oracle: not understood: ${question}`);
  }

  /**
   * Checks one sentence of reasoning or grounding against the table.
   *
   * @param clause what is said, without its time: `a red circle appears`
   * @param start second at which it is said to be so, or to begin
   * @param end where it lasts, its end
   * @returns null if it is so, else what is wrong
   */
  refute(clause: string, start: number, end: number | null): string | null {
    const wrong = `not so at ${start}${end === null ? "" : `-${end}`}: ${clause}`;
    const text = clause.charAt(0).toLowerCase() + clause.slice(1);
    let match: RegExpExecArray | null;
    if (text === "the screen is empty")
      return this.rows(start, end).every((row) => row.length === 0) ? null : wrong;
    match = /^the subtitles say "(.*)"$/.exec(text);
    if (match !== null) {
      const said = match[1];
      const on = this.scene.cues.find((cue) => cue.text === said);
      return on !== undefined && on.startSeconds <= start && (end ?? start) <= on.endSeconds + 0.2
        ? null
        : wrong;
    }
    match = /^(.*) (?:appears?|shows? up|comes? into view)( again)?$/.exec(text);
    if (match !== null) return this.changed(match[1] ?? "", "appears", start, start) ? null : wrong;
    match = /^(.*) (?:disappears?|goe?s? away)$/.exec(text);
    if (match !== null) return this.changed(match[1] ?? "", "disappears", start, start - 1) ? null : wrong;
    match = /^(.*) (?:turns|becomes|changes to) (\w+)$/.exec(text);
    if (match !== null)
      return this.changed(match[1] ?? "", "turns", start, start - 1, match[2]) ? null : wrong;
    match = /^(.*) moves (left|right|up|down)$/.exec(text);
    if (match !== null && end !== null) {
      const name = match[1] ?? "";
      const [from, to] = [start, Math.min(end, this.table.length - 1)].map((second) =>
        this.named(name, second),
      );
      if (from === undefined || to === undefined) return wrong;
      const [dx, dy] = [to.x - from.x, to.y - from.y];
      const seen = Math.abs(dx) > Math.abs(dy) ? (dx > 0 ? "right" : "left") : dy > 0 ? "down" : "up";
      return seen === match[2] && Math.abs(dx) + Math.abs(dy) >= 20 ? null : wrong;
    }
    match = /^(.*) touches (.*)$/.exec(text);
    if (match !== null) {
      const [a, b] = [this.named(match[1] ?? "", start), this.named(match[2] ?? "", start)];
      return a !== undefined && b !== undefined && Math.abs(a.x - b.x) <= 34 && Math.abs(a.y - b.y) < 4
        ? null
        : wrong;
    }
    match =
      /^(.*?) (?:(?:is|are) (?:on screen|visible)|can be seen)(?:, (?:on the|in the) (left|middle|right))?$/.exec(
        text,
      );
    if (match === null) return `not understood: ${clause}`;
    for (const name of (match[1] ?? "").split(/, | and /)) {
      for (const row of this.rows(start, end)) {
        const { colour, form } = parseName(name);
        const count = Number(/^\d/.exec(name)?.[0] ?? 1);
        const thing = row.find(
          (seen) => seen.form === form && seen.colour === colour && seen.count === count,
        );
        if (thing === undefined) return wrong;
        const place = thing.x < 38 ? "left" : thing.x < 75 ? "middle" : "right";
        if (match[2] !== undefined && match[2] !== place) return wrong;
      }
    }
    return null;
  }

  private rows(start: number, end: number | null): Table {
    return this.table.slice(start, end ?? start + 1);
  }

  private named(name: string, second: number): Seen | undefined {
    const { colour, form } = parseName(name);
    return this.table[second]?.find((thing) => thing.form === form && thing.colour === colour);
  }

  private changed(name: string, what: Change["what"], second: number, seenAt: number, to?: string): boolean {
    const thing = this.named(name, seenAt);
    return this.changes().some(
      (change) =>
        change.id === thing?.id && change.what === what && change.seconds === second && change.to === to,
    );
  }
}
