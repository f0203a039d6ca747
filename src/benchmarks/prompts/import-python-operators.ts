/** Python's operators. */

import { PythonProblem } from "./import-python-lines.ts";
import { areEqual, itemsOf, kindOf, type PythonValue } from "./import-python-values.ts";

/** `left + right`. @throws PythonProblem for values that are not two texts, numbers or lists */
export function add(left: PythonValue, right: PythonValue, line: number): PythonValue {
  if (typeof left === "string" && typeof right === "string") return left + right;
  if (typeof left === "number" && typeof right === "number") return left + right;
  if (Array.isArray(left) && Array.isArray(right)) return [...left, ...right];
  throw new PythonProblem(
    line,
    `+ must join two texts, numbers or lists, got ${kindOf(left)} and ${kindOf(right)}`,
  );
}

/** `+`, `-` or `*`. @throws PythonProblem for values that it is not understood of */
export function arithmetic(
  operator: string,
  left: PythonValue,
  right: PythonValue,
  line: number,
): PythonValue {
  if (operator === "+") return add(left, right, line);
  if (typeof left === "number" && typeof right === "number")
    return operator === "-" ? left - right : left * right;
  throw new PythonProblem(
    line,
    `${operator} must have two numbers, got ${kindOf(left)} and ${kindOf(right)}`,
  );
}

/** `==`, `in`, `is not` and the like. @throws PythonProblem for values that it is not understood of */
export function compare(operator: string, left: PythonValue, right: PythonValue, line: number): boolean {
  switch (operator) {
    case "==":
      return areEqual(left, right);
    case "!=":
      return !areEqual(left, right);
    case "is":
      return left === right;
    case "is not":
      return left !== right;
    case "in":
      return contains(right, left, line);
    case "not in":
      return !contains(right, left, line);
  }
  if (typeof left !== "number" || typeof right !== "number")
    throw new PythonProblem(
      line,
      `${operator} must compare numbers, got ${kindOf(left)} and ${kindOf(right)}`,
    );
  if (operator === "<") return left < right;
  if (operator === ">") return left > right;
  return operator === "<=" ? left <= right : left >= right;
}

function contains(whole: PythonValue, part: PythonValue, line: number): boolean {
  if (typeof whole === "string" && typeof part === "string") return whole.includes(part);
  if (Array.isArray(whole)) return whole.some((item) => areEqual(item, part));
  if (whole instanceof Map) return typeof part === "string" && whole.has(part);
  throw new PythonProblem(line, `in must look into a text, a list or a dict, got ${kindOf(whole)}`);
}

/** A key of a dict. @throws PythonProblem for values that are no text */
export function keyOf(value: PythonValue, line: number): string {
  if (typeof value === "string") return value;
  throw new PythonProblem(line, `a dict must have texts as keys, got ${kindOf(value)}`);
}

/** `whole[key]`. @throws PythonProblem where there is no such item */
export function itemOf(whole: PythonValue, key: PythonValue, line: number): PythonValue {
  if (whole instanceof Map) {
    const name = keyOf(key, line);
    const value = whole.get(name);
    if (value === undefined)
      throw new PythonProblem(line, `there must be an entry ${JSON.stringify(name)}, got none`);
    return value;
  }
  const items = typeof whole === "string" || Array.isArray(whole) ? itemsOf(whole, line) : null;
  if (items === null || typeof key !== "number")
    throw new PythonProblem(
      line,
      `[ ] must take a position in a text or list, or a key of a dict, got ${kindOf(key)} in ${kindOf(whole)}`,
    );
  const item = items.at(key);
  if (item === undefined)
    throw new PythonProblem(line, `there must be an item ${key}, got ${items.length} items`);
  return item;
}

/** `whole[from:to]`, null for a place that is left out. @throws PythonProblem for other values */
export function sliceOf(whole: PythonValue, from: PythonValue, to: PythonValue, line: number): PythonValue {
  const isPosition = (value: PythonValue) => value === null || typeof value === "number";
  if (!isPosition(from) || !isPosition(to) || (typeof whole !== "string" && !Array.isArray(whole)))
    throw new PythonProblem(line, "[from:to] must take positions in a text or list, got others");
  const items = itemsOf(whole, line).slice(Number(from ?? 0), to === null ? undefined : Number(to));
  return typeof whole === "string" ? items.join("") : items;
}
