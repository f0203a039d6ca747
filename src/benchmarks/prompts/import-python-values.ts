/** Python values, and those of its functions and methods that code which puts texts together needs. */

import { pythonStrip } from "../../trace/index.ts";
import { PythonProblem } from "./import-python-lines.ts";

/** A value. Tuples are lists, numbers are whole. */
export type PythonValue =
  | null
  | boolean
  | number
  | string
  | PythonValue[]
  | Map<string, PythonValue>
  | PythonFunction;

/** What a call gives over. */
export interface Arguments {
  positional: readonly PythonValue[];
  named: ReadonlyMap<string, PythonValue>;
  /** Where the call stands. */
  line: number;
}

/** What can be called. */
export interface PythonFunction {
  name: string;
  call: (given: Arguments) => PythonValue;
  /** Of a type: whether a value is of it. */
  includes?: (value: PythonValue) => boolean;
}

const LONGEST_RANGE = 1000;

/** What a value is, for messages. */
export function kindOf(value: PythonValue): string {
  if (value === null) return "None";
  if (Array.isArray(value)) return "a list";
  if (value instanceof Map) return "a dict";
  if (typeof value === "object") return value.name;
  return { string: "a string", number: "a number", boolean: "a truth value" }[typeof value as "string"];
}

/** Whether Python takes a value as true. */
export function isTrue(value: PythonValue): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return value instanceof Map ? value.size > 0 : Boolean(value);
}

/** Whether two values are equal; as in Python, True is 1. */
export function areEqual(a: PythonValue, b: PythonValue): boolean {
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, i) => areEqual(item, b[i] as PythonValue));
  if (a instanceof Map && b instanceof Map)
    return (
      a.size === b.size && [...a].every(([key, item]) => b.has(key) && areEqual(item, b.get(key) ?? null))
    );
  const plain = (value: PythonValue) => (typeof value === "boolean" ? Number(value) : value);
  return plain(a) === plain(b);
}

/** `str(value)`. @throws PythonProblem for lists, dicts and functions */
export function textOf(value: PythonValue, line: number): string {
  if (typeof value === "string") return value;
  if (value === null) return "None";
  if (typeof value === "number") return String(value);
  if (typeof value === "boolean") return value ? "True" : "False";
  throw new PythonProblem(
    line,
    `only texts, numbers, truth values and None become text, got ${kindOf(value)}`,
  );
}

/** What a loop goes through: a list, the keys of a dict, the characters of a text. @throws PythonProblem for others */
export function itemsOf(value: PythonValue, line: number): PythonValue[] {
  if (typeof value === "string") return [...value];
  if (Array.isArray(value)) return value;
  if (value instanceof Map) return [...value.keys()];
  throw new PythonProblem(line, `a loop must go through a list, a dict or a text, got ${kindOf(value)}`);
}

/** JSON as a value. */
export function fromJson(json: unknown): PythonValue {
  if (Array.isArray(json)) return json.map(fromJson);
  if (typeof json === "object" && json !== null)
    return new Map(Object.entries(json).map(([key, item]) => [key, fromJson(item)]));
  return typeof json === "string" || typeof json === "number" || typeof json === "boolean" ? json : null;
}

/** The arguments of one call, taken one after another. */
class Call {
  readonly #what: string;
  readonly #given: Arguments;
  #taken = 0;

  constructor(what: string, given: Arguments, most: number) {
    this.#what = what;
    this.#given = given;
    if (given.named.size > 0 || given.positional.length > most)
      throw new PythonProblem(
        given.line,
        `${what} must have at most ${most} plain arguments, got ${given.positional.length + given.named.size}`,
      );
  }

  get line(): number {
    return this.#given.line;
  }

  any(): PythonValue {
    const value = this.#given.positional[this.#taken++];
    return value === undefined ? this.refuse("one more argument", null) : value;
  }

  optional(otherwise: PythonValue): PythonValue {
    return this.#taken < this.#given.positional.length ? this.any() : otherwise;
  }

  text(): string {
    const value = this.any();
    return typeof value === "string" ? value : this.refuse("a text", value);
  }

  number(otherwise?: number): number {
    const value = otherwise === undefined ? this.any() : this.optional(otherwise);
    return typeof value === "number" ? value : this.refuse("a number", value);
  }

  items(): PythonValue[] {
    return itemsOf(this.any(), this.line);
  }

  refuse(rule: string, value: PythonValue): never {
    throw new PythonProblem(this.line, `${this.#what} must be given ${rule}, got ${kindOf(value)}`);
  }
}

/** A function of at most so many plain arguments. */
function define(name: string, most: number, run: (call: Call) => PythonValue): PythonFunction {
  return { name, call: (given) => run(new Call(name, given, most)) };
}

function typed(
  name: string,
  includes: (value: PythonValue) => boolean,
  convert: (call: Call) => PythonValue,
): PythonFunction {
  return { ...define(name, 1, convert), includes };
}

function lengthOf(value: PythonValue, call: Call): number {
  if (value instanceof Map) return value.size;
  return typeof value === "string" || Array.isArray(value)
    ? [...value].length
    : call.refuse("a text, a list or a dict", value);
}

function range(call: Call): PythonValue[] {
  const first = call.number();
  const second = call.optional(null);
  const [from, to] = typeof second === "number" ? [first, second] : [0, first];
  const length = Math.max(0, to - from);
  if (length > LONGEST_RANGE)
    throw new PythonProblem(call.line, `range must have at most ${LONGEST_RANGE} numbers, got ${length}`);
  return Array.from({ length }, (_, i) => from + i);
}

function zip({ positional, line }: Arguments): PythonValue[] {
  const lists = positional.map((value) => itemsOf(value, line));
  const length = lists.length === 0 ? 0 : Math.min(...lists.map((list) => list.length));
  return Array.from({ length }, (_, i) => lists.map((list) => list[i] as PythonValue));
}

function sorted(call: Call): PythonValue[] {
  const items = call.items();
  if (!items.every((item): item is string => typeof item === "string" && /^[ -~]*$/.test(item)))
    throw new PythonProblem(call.line, "sorted must be given texts of ASCII, got others");
  return [...items].sort();
}

function isInstance(call: Call): boolean {
  const value = call.any();
  const given = call.any();
  return (Array.isArray(given) ? given : [given]).some((type) => {
    if (
      typeof type !== "object" ||
      type === null ||
      !("includes" in type) ||
      !("call" in type) ||
      !type.includes
    )
      return call.refuse("str, int, bool, list or dict", type);
    return type.includes(value);
  });
}

function characterOf(call: Call): string {
  const code = call.number();
  return code >= 0 && code <= 0x10ffff
    ? String.fromCodePoint(code)
    : call.refuse("a character's number", code);
}

/** The functions that need no import. */
export const builtins: ReadonlyMap<string, PythonFunction> = new Map(
  [
    define("len", 1, (call) => lengthOf(call.any(), call)),
    define("range", 2, range),
    define("enumerate", 2, (call) => {
      const items = call.items();
      const start = call.number(0);
      return items.map((item, i) => [i + start, item]);
    }),
    { name: "zip", call: zip },
    define("sorted", 1, sorted),
    define("all", 1, (call) => call.items().every(isTrue)),
    define("any", 1, (call) => call.items().some(isTrue)),
    define("chr", 1, characterOf),
    define("ord", 1, (call) => call.text().codePointAt(0) ?? call.refuse("one character", "")),
    define("isinstance", 2, isInstance),
    typed(
      "str",
      (value) => typeof value === "string",
      (call) => textOf(call.optional(""), call.line),
    ),
    typed("list", Array.isArray, (call) => [...itemsOf(call.optional([]), call.line)]),
    typed(
      "dict",
      (value) => value instanceof Map,
      (call) => {
        const value = call.optional(new Map());
        return value instanceof Map ? new Map(value) : call.refuse("a dict", value);
      },
    ),
    typed(
      "bool",
      (value) => typeof value === "boolean",
      (call) => isTrue(call.optional(false)),
    ),
    typed(
      "int",
      (value) => typeof value === "number" || typeof value === "boolean",
      (call) => call.number(0),
    ),
  ].map((entry) => [entry.name, entry]),
);

const capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** What imported modules hold, by their full names. */
export const libraries: ReadonlyMap<string, PythonValue> = new Map([
  ["string.ascii_uppercase", capitals],
  ["string.ascii_lowercase", capitals.toLowerCase()],
  ["string.ascii_letters", capitals.toLowerCase() + capitals],
  ["string.digits", "0123456789"],
]);

/** `text.format(...)`, with {}, {0} and {name}. */
function format(text: string, { positional, named, line }: Arguments): string {
  let next = 0;
  return text.replace(/\{\{|\}\}|\{(\w*)\}|[{}]/g, (mark, place: string | undefined) => {
    if (mark === "{{" || mark === "}}") return mark.charAt(0);
    if (place === undefined)
      throw new PythonProblem(line, `format must find {}, {0} or {name} in its text, got ${mark}`);
    const value =
      place === "" || /^\d+$/.test(place)
        ? positional[place === "" ? next++ : Number(place)]
        : named.get(place);
    if (value === undefined) throw new PythonProblem(line, `format must be given {${place}}, got none`);
    return textOf(value, line);
  });
}

function startsWith(text: string, call: Call, at: (text: string, part: string) => boolean): boolean {
  const given = call.any();
  return (Array.isArray(given) ? given : [given]).some((part) =>
    typeof part === "string" ? at(text, part) : call.refuse("a text or several", part),
  );
}

function join(text: string, call: Call): string {
  return call
    .items()
    .map((item) => (typeof item === "string" ? item : call.refuse("texts", item)))
    .join(text);
}

const methodsOfTexts: Readonly<Record<string, (text: string) => PythonFunction>> = {
  join: (text) => define("join", 1, (call) => join(text, call)),
  format: (text) => ({ name: "format", call: (given) => format(text, given) }),
  startswith: (text) => define("startswith", 1, (call) => startsWith(text, call, (a, b) => a.startsWith(b))),
  endswith: (text) => define("endswith", 1, (call) => startsWith(text, call, (a, b) => a.endsWith(b))),
  strip: (text) => define("strip", 0, () => pythonStrip(text)),
  upper: (text) => define("upper", 0, () => text.toUpperCase()),
  lower: (text) => define("lower", 0, () => text.toLowerCase()),
};

const methodsOfLists: Readonly<Record<string, (list: PythonValue[]) => PythonFunction>> = {
  append: (list) =>
    define("append", 1, (call) => {
      list.push(call.any());
      return null;
    }),
};

const methodsOfDicts: Readonly<Record<string, (dict: Map<string, PythonValue>) => PythonFunction>> = {
  get: (dict) =>
    define("get", 2, (call) => {
      const key = call.any();
      const otherwise = call.optional(null);
      return typeof key === "string" ? (dict.get(key) ?? (dict.has(key) ? null : otherwise)) : otherwise;
    }),
  keys: (dict) => define("keys", 0, () => [...dict.keys()]),
  values: (dict) => define("values", 0, () => [...dict.values()]),
  items: (dict) => define("items", 0, () => [...dict].map(([key, value]) => [key, value])),
};

/** A method of a value. @throws PythonProblem where there is none that is understood */
export function methodOf(value: PythonValue, name: string, line: number): PythonFunction {
  const found =
    typeof value === "string" && Object.hasOwn(methodsOfTexts, name)
      ? methodsOfTexts[name]?.(value)
      : Array.isArray(value) && Object.hasOwn(methodsOfLists, name)
        ? methodsOfLists[name]?.(value)
        : value instanceof Map && Object.hasOwn(methodsOfDicts, name)
          ? methodsOfDicts[name]?.(value)
          : undefined;
  if (found === undefined)
    throw new PythonProblem(line, `.${name} of ${kindOf(value)} must be understood, it is not`);
  return found;
}
