/**
 * Calls functions of a Python file without Python: those that put texts together out of what they are given. A line
 * is looked into only when it is reached, so that a file may hold anything beside them. Nothing here can reach a
 * file, the network or another program; what is not understood is refused with its line.
 */

import {
  type Expression,
  type Loop,
  readExpression,
  readExpressions,
  readNames,
  TokenReader,
} from "./import-python-expression.ts";
import { type Line, PythonProblem, pythonLines, type Token } from "./import-python-lines.ts";
import { add, arithmetic, compare, itemOf, keyOf, sliceOf } from "./import-python-operators.ts";
import {
  type Arguments,
  builtins,
  isTrue,
  itemsOf,
  kindOf,
  libraries,
  methodOf,
  type PythonFunction,
  type PythonValue,
  textOf,
} from "./import-python-values.ts";

type Scope = Map<string, PythonValue>;

const MOST_STEPS = 100_000;
const DEEPEST_CALL = 20;

/** The position of a mark outside all brackets. */
function findMark(tokens: readonly Token[], isMark: (text: string) => boolean): number {
  let depth = 0;
  return tokens.findIndex(({ kind, text }) => {
    if (kind !== "other") return false;
    if (depth === 0 && isMark(text)) return true;
    depth += "([{".includes(text) ? 1 : ")]}".includes(text) ? -1 : 0;
    return false;
  });
}

const startsWithWord = ({ tokens }: Line, word: string) =>
  tokens[0]?.kind === "name" && tokens[0].text === word;

/** A Python file. */
export class PythonModule {
  readonly #lines: readonly Line[];
  #steps = 0;
  #depth = 0;

  /** @throws PythonProblem where strings do not end */
  constructor(source: string) {
    this.#lines = pythonLines(source);
  }

  /**
   * The line of `def NAME`; null where there is none.
   *
   * @throws PythonProblem for a function with a decorator, which may make anything of it
   */
  lineOf(name: string): number | null {
    return this.#definition(name)?.line ?? null;
  }

  /**
   * Calls a function of the file.
   *
   * @throws PythonProblem for a line that is not understood, or that fails or raises an error
   */
  call(name: string, positional: readonly PythonValue[]): PythonValue {
    this.#steps = 0;
    this.#depth = 0;
    const line = this.#definition(name);
    if (line === null) throw new PythonProblem(1, `there must be one def ${name}, got none or several`);
    return this.#callFunction(line, { positional, named: new Map(), line: line.line });
  }

  #definition(name: string): Line | null {
    const line = this.#setting(name);
    if (line === null || !startsWithWord(line, "def")) return null;
    const before = this.#lines[this.#lines.indexOf(line) - 1];
    if (before?.tokens[0]?.text !== "@") return line;
    throw new PythonProblem(before.line, `${name} must have no decorator, it has one`);
  }

  /** The line that gives a name its meaning, outside functions; null where there are several, or one below another. */
  #setting(name: string): Line | null {
    const sets = ({ tokens: [first, second], tokens }: Line) =>
      first?.kind === "name" &&
      (first.text === "def" || first.text === "class"
        ? second?.text === name
        : first.text === name && findMark(tokens, isAssignment) > 0);
    const found = outsideFunctions(this.#lines).filter(sets);
    const only = found.length === 1 ? found[0] : undefined;
    return only && this.#lines.includes(only) ? only : null;
  }

  #callFunction(definition: Line, given: Arguments): PythonValue {
    if (++this.#depth > DEEPEST_CALL) throw new PythonProblem(given.line, "calls must not go that deep");
    const scope = this.#parameters(definition, given);
    const result = this.#run(definition.body, scope);
    this.#depth--;
    return result === undefined ? null : result;
  }

  /** What the parameters of a function are in a call. */
  #parameters({ tokens, line, body }: Line, { positional, named, line: from }: Arguments): Scope {
    const reader = new TokenReader(tokens.slice(1), line);
    const what = reader.name();
    reader.expect("(");
    const scope: Scope = new Map();
    const left = [...positional];
    const byName = new Map(named);
    while (!reader.takes(")")) {
      const name = reader.name();
      if (reader.takes(":")) skipAnnotation(reader);
      const otherwise = reader.takes("=") ? readExpression(reader) : null;
      const value = left.length > 0 ? left.shift() : byName.get(name);
      byName.delete(name);
      if (value !== undefined) scope.set(name, value);
      else if (otherwise !== null) scope.set(name, this.#evaluate(otherwise, new Map()));
      else throw new PythonProblem(from, `${what} must be given ${name}, got none`);
      if (!reader.sees(")")) reader.expect(",");
    }
    if (left.length > 0 || byName.size > 0)
      throw new PythonProblem(from, `${what} must be given no more than ${scope.size} arguments, got others`);
    if (body.length === 0)
      throw new PythonProblem(line, `${what} must have its body on lines of its own, got none`);
    return scope;
  }

  /** Runs lines one after another; gives what they return, undefined where they do not. */
  #run(lines: readonly Line[], scope: Scope): PythonValue | undefined {
    for (let i = 0; i < lines.length; i++) {
      const line = lines[i] as Line;
      this.#count(line.line);
      let result: PythonValue | undefined;
      if (startsWithWord(line, "if")) {
        const branches = [line];
        while (["elif", "else"].some((word) => lines[i + 1] && startsWithWord(lines[i + 1] as Line, word)))
          branches.push(lines[++i] as Line);
        result = this.#runBranches(branches, scope);
      } else if (startsWithWord(line, "for")) result = this.#runLoop(line, scope);
      else result = this.#runSimple(line, scope);
      if (result !== undefined) return result;
    }
    return undefined;
  }

  #count(line: number): void {
    if (++this.#steps > MOST_STEPS)
      throw new PythonProblem(line, `it must end after ${MOST_STEPS} steps, it does not`);
  }

  #runBranches(branches: readonly Line[], scope: Scope): PythonValue | undefined {
    for (const branch of branches) {
      const reader = new TokenReader(branch.tokens.slice(1), branch.line);
      const taken = startsWithWord(branch, "else") || isTrue(this.#evaluate(readExpression(reader), scope));
      if (taken) return this.#run(bodyOf(branch, reader), scope);
    }
    return undefined;
  }

  #runLoop(line: Line, scope: Scope): PythonValue | undefined {
    const reader = new TokenReader(line.tokens.slice(1), line.line);
    const names = readNames(reader);
    reader.expect("in");
    const items = itemsOf(this.#evaluate(readExpressions(reader), scope), line.line);
    const body = bodyOf(line, reader);
    for (const item of items) {
      assign(names, item, scope, line.line);
      const result = this.#run(body, scope);
      if (result !== undefined) return result;
    }
    return undefined;
  }

  #runSimple({ tokens, line, body }: Line, scope: Scope): PythonValue | undefined {
    const reader = new TokenReader(tokens, line);
    if (body.length > 0) return reader.refuse("if, for or a line with nothing below it");
    if (reader.takes("pass") || reader.sees("import") || reader.sees("from")) return undefined;
    if (reader.takes("return")) {
      const value = reader.done ? null : this.#evaluate(readExpressions(reader), scope);
      return reader.done ? value : reader.refuse("the end of the line");
    }
    if (reader.sees("raise")) throw new PythonProblem(line, "an error must not be raised, one is");
    const mark = findMark(tokens, (text) => text === "=" || text === "+=");
    if (mark < 0) {
      this.#evaluate(readExpressions(reader), scope);
      return reader.done ? undefined : reader.refuse("the end of the line");
    }
    this.#assign(tokens.slice(0, mark), tokens.slice(mark), scope, line);
    return undefined;
  }

  #assign(left: readonly Token[], right: readonly Token[], scope: Scope, line: number): void {
    const target = new TokenReader(left, line);
    const names = readNames(target);
    if (target.takes(":")) skipAnnotation(target);
    if (!target.done) target.refuse("a name that is set");
    const value = new TokenReader(right.slice(1), line);
    const expression = readExpressions(value);
    if (!value.done) value.refuse("the end of the line");
    const given = this.#evaluate(expression, scope);
    if (right[0]?.text === "=") assign(names, given, scope, line);
    else this.#addTo(names.join(","), given, scope, line);
  }

  #addTo(name: string, given: PythonValue, scope: Scope, line: number): void {
    const before = this.#lookUp(name, scope, line);
    // Python lengthens a list in place, wherever else it is known.
    if (Array.isArray(before) && Array.isArray(given)) before.push(...given);
    else scope.set(name, add(before, given, line));
  }

  /** A name in the function, in the file, or of Python. */
  #lookUp(name: string, scope: Scope, line: number): PythonValue {
    const local = scope.get(name);
    if (local !== undefined) return local;
    const definition = this.#definition(name);
    if (definition !== null) return { name, call: (given) => this.#callFunction(definition, given) };
    const constant = this.#constant(name);
    if (constant !== null) return constant;
    const builtin = builtins.get(name);
    if (builtin !== undefined) return builtin;
    throw new PythonProblem(line, `${name} must be a name that is understood, it is not`);
  }

  #constant(name: string): PythonValue | null {
    const line = this.#setting(name);
    if (line === null || !startsWithWord(line, name)) return null;
    const scope: Scope = new Map();
    this.#runSimple(line, scope);
    return scope.get(name) ?? null;
  }

  #evaluate(node: Expression, scope: Scope): PythonValue {
    this.#count(node.line);
    const value = (of: Expression) => this.#evaluate(of, scope);
    switch (node.kind) {
      case "constant":
        return node.value;
      case "name":
        return this.#lookUp(node.name, scope, node.line);
      case "format":
        return node.parts
          .map((part) => (typeof part === "string" ? part : textOf(value(part), node.line)))
          .join("");
      case "list":
        return node.items.map(value);
      case "dict":
        return new Map(node.entries.map(([key, item]) => [keyOf(value(key), node.line), value(item)]));
      case "each":
        return this.#each(node.item, node.loops, scope);
      case "choice":
        return value(isTrue(value(node.test)) ? node.then : node.otherwise);
      case "and": {
        const left = value(node.left);
        return isTrue(left) ? value(node.right) : left;
      }
      case "or": {
        const left = value(node.left);
        return isTrue(left) ? left : value(node.right);
      }
      case "not":
        return !isTrue(value(node.operand));
      case "negative": {
        const operand = value(node.operand);
        if (typeof operand === "number") return -operand;
        throw new PythonProblem(node.line, `- must stand before a number, got ${kindOf(operand)}`);
      }
      case "compare":
        return this.#compare(node.first, node.rest, scope);
      case "arithmetic":
        return arithmetic(node.operator, value(node.left), value(node.right), node.line);
      case "call":
        return this.#call(node, scope);
      case "attribute":
        return this.#attribute(node.of, node.name, scope, node.line);
      case "item":
        return itemOf(value(node.of), value(node.key), node.line);
      case "slice":
        return sliceOf(value(node.of), node.from && value(node.from), node.to && value(node.to), node.line);
    }
  }

  #each(item: Expression, loops: readonly Loop[], scope: Scope): PythonValue[] {
    const [loop, ...inner] = loops;
    if (loop === undefined) return [this.#evaluate(item, scope)];
    return itemsOf(this.#evaluate(loop.source, scope), item.line).flatMap((value) => {
      const own: Scope = new Map(scope);
      assign(loop.names, value, own, item.line);
      const wanted = loop.conditions.every((condition) => isTrue(this.#evaluate(condition, own)));
      return wanted ? this.#each(item, inner, own) : [];
    });
  }

  #compare(first: Expression, rest: readonly (readonly [string, Expression])[], scope: Scope): boolean {
    let left = this.#evaluate(first, scope);
    return rest.every(([operator, expression]) => {
      const right = this.#evaluate(expression, scope);
      const result = compare(operator, left, right, expression.line);
      left = right;
      return result;
    });
  }

  #call(node: Extract<Expression, { kind: "call" }>, scope: Scope): PythonValue {
    const callee = this.#evaluate(node.callee, scope);
    if (!isCallable(callee))
      throw new PythonProblem(node.line, `a function must be called, got ${kindOf(callee)}`);
    return callee.call({
      positional: node.positional.map((argument) => this.#evaluate(argument, scope)),
      named: new Map(node.named.map(([name, argument]) => [name, this.#evaluate(argument, scope)])),
      line: node.line,
    });
  }

  /** What a module holds, or a method. */
  #attribute(of: Expression, name: string, scope: Scope, line: number): PythonValue {
    if (of.kind === "name" && !scope.has(of.name) && this.#imports(of.name)) {
      const held = libraries.get(`${of.name}.${name}`);
      if (held !== undefined) return held;
      throw new PythonProblem(line, `${of.name}.${name} must be understood, it is not`);
    }
    return methodOf(this.#evaluate(of, scope), name, line);
  }

  #imports(name: string): boolean {
    return this.#lines.some(
      ({ tokens }) => tokens[0]?.text === "import" && tokens.length === 2 && tokens[1]?.text === name,
    );
  }
}

/** Lines with those below them, without what functions and classes hold. */
function outsideFunctions(lines: readonly Line[]): Line[] {
  return lines.flatMap((line) => [
    line,
    ...(startsWithWord(line, "def") || startsWithWord(line, "class") ? [] : outsideFunctions(line.body)),
  ]);
}

const isAssignment = (text: string) => text === "=" || /^[-+*/%@&|^]=$/.test(text);

const isCallable = (value: PythonValue): value is PythonFunction =>
  typeof value === "object" && value !== null && "call" in value;

/** Passes over the tokens of a type. */
function skipAnnotation(reader: TokenReader): void {
  while (!reader.done && !["=", ",", ")"].some((mark) => reader.sees(mark))) {
    if (reader.takes("[")) {
      while (!reader.done && !reader.takes("]")) readExpressions(reader);
    } else if (!reader.takes(".") && !reader.takes("|") && !reader.takesKind("text")) reader.name();
  }
}

/** What is to be run below a line, or after its colon. */
function bodyOf(line: Line, reader: TokenReader): readonly Line[] {
  reader.expect(":");
  if (reader.done) return line.body;
  return [{ tokens: reader.rest(), line: line.line, body: [] }];
}

function assign(names: readonly string[], value: PythonValue, scope: Scope, line: number): void {
  if (names.length === 1) {
    scope.set(names[0] as string, value);
    return;
  }
  const items = itemsOf(value, line);
  if (items.length !== names.length)
    throw new PythonProblem(
      line,
      `${names.join(", ")} must be set to ${names.length} values, got ${items.length}`,
    );
  for (const [i, name] of names.entries()) scope.set(name, items[i] as PythonValue);
}
