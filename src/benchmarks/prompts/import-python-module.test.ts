/** Python that puts texts together, read as Python reads it; the values are what Python gives (3.12 for nested quotes). */

import { describe, expect, it } from "vitest";
import { PythonModule } from "./import-python-module.ts";
import { fromJson } from "./import-python-values.ts";

const doc = { question: "Why?", options: ["red", "blue"], choices: { B: "two", A: "one" }, kind: null };

/** What a function of the example returns. */
const resultOf = (body: string): unknown =>
  new PythonModule(`def f(doc):\n${body}\n`).call("f", [fromJson(doc)]);

describe("a string", () => {
  it.each([
    [String.raw`'a\'b' "c\"d"`, "a'bc\"d"],
    [String.raw`"\x41\u00e9\U0001F600\101\0"`, "Aé\u{1f600}A\0"],
    [String.raw`"\a\b\f\n\r\t\v\\"`, "\u0007\b\f\n\r\t\v\\"],
    [String.raw`"\q\{\%"`, "\\q\\{\\%"],
    [String.raw`r"\n\"" R'\''`, "\\n\\\"\\'"],
    ['"""a "quoted" \'word\'\nand a line\\\nthat goes on"""', "a \"quoted\" 'word'\nand a linethat goes on"],
    ["'''it''s''' ''", "it''s"],
    ['("one "\n  # in between\n  u"two")', "one two"],
    ['"a" \\\n  "b"', "ab"],
    ['"é中🟢"', "é中🟢"],
    ["'# no comment'", "# no comment"],
    [`f"{{x}} {doc['question']}" ' {y}'`, "{x} Why? {y}"],
    [`f"{'yes' if doc['kind'] is None else 'no'}{len(doc['options'])}{True}{None}"`, "yes2TrueNone"],
    [`f'{", ".join(f"<{o}>" for o in doc["options"])}'`, "<red>, <blue>"],
    [`f"{doc["question"]}"`, "Why?"],
    [String.raw`rf"\n{1+1}"`, "\\n2"],
    [`"{1} {b} {{}} {0}".format("x", "y", b=doc["question"])`, "y Why? {} x"],
  ])("%s", (source, expected) => {
    expect(resultOf(`    return ${source}`)).toBe(expected);
  });
});

describe("a function", () => {
  it.each([
    ['if doc["kind"]:\n  return "a"\nelif "x" in doc:\n  return "b"\nelse:\n  return "c"', "c"],
    ['if not doc["kind"]: return "short"\nreturn "long"', "short"],
    ['t = ""\nfor (i, o) in enumerate(doc["options"], 1):\n  t += f"{i}{o} "\nreturn t', "1red 2blue "],
    ['for a, b in zip("xy", doc["options"]):\n  if a == "y":\n    return a + b', "yblue"],
    ['"""Says."""\na, b = "1", "2"\nreturn b + a', "21"],
    ['keep = []\nsame = keep\nsame += ["x"]\nkeep.append("y")\nreturn ",".join(same)', "x,y"],
    ['a: Optional[str] = "typed"\n\n# and\nreturn a', "typed"],
    ['return "\\n".join([x for o in doc["options"] if o != "red" for x in (o, o)])', "blue\nblue"],
    ['return " ".join(f"{k}={v}" for k, v in doc["choices"].items())', "B=two A=one"],
    ['return "".join(sorted(doc["choices"]))', "AB"],
    ['return doc["options"][-1][1:3] + "abc"[:2]', "luab"],
    ['return doc.get("absent", "") or doc.get("kind") or doc.get("question")', "Why?"],
    ['return "ok" if isinstance(doc["options"], (str, list)) and 1 < 2 <= 2 else "no"', "ok"],
    ['return chr(ord("A") + 2) + "".join([chr(65 + i) for i in range(1, 3)])', "CBC"],
    ['return "yes" if True == 1 and "a" not in [] and [1, [2]] == [1, [2]] else "no"', "yes"],
    ["pass", null],
    ["return", null],
  ])("%j", (body, expected) => {
    expect(resultOf(body.replace(/^/gm, "    "))).toBe(expected);
  });

  it("knows what stands in its file, in any order, and nothing else runs", () => {
    const file = `import string, os
import string
from absent import thing
VALUE = thing("not run") + f"{1:>{2}}"
with open("absent") as f:
    X = f.read()

class Other:
    MARK = "of a class"
    def helper(self):
        yield

def f(doc):
    return helper(doc["question"], end=MARK) + string.ascii_uppercase[1]

def helper(text: "str", start: str | None = None, end="."):
    return (start or LIST[0]) + text + end

LIST = ["<", MARK]
MARK: str = "!"
`;
    expect(new PythonModule(file).call("f", [fromJson(doc)])).toBe("<Why?!B");
    expect(new PythonModule(file).lineOf("f")).toBe(13);
    expect(new PythonModule(file.replaceAll("\n", "\r\n")).lineOf("f")).toBe(13);
  });
});

describe("what is not understood is refused with its line:", () => {
  it.each([
    [
      "a library",
      'import re\ndef f():\n    x = 1\n    return re.sub("a", "b", "c")',
      4,
      "re.sub must be understood, it is not",
    ],
    ["a name", "def f():\n    return absent", 2, "absent must be a name that is understood, it is not"],
    [
      "a statement",
      "def f():\n    try:\n        pass\n    finally:\n        pass",
      2,
      "must be if, for or a line with nothing below it, got try",
    ],
    ["a function in it", "def f():\n    def g():\n        pass", 2, "got def"],
    ["a lambda", "def f():\n    return lambda: 1", 2, "must be a plain expression, got lambda"],
    ["an operator", 'def f():\n    return "%s" % "x"', 2, "must be the end of the line, got %"],
    ["a format", 'def f():\n    return f"{1:02d}"', 2, "must be the end of the value, got :02d"],
    ["a conversion", 'def f():\n    return f"{1!r}"', 2, "must be the end of the value, got !"],
    ["bytes", 'def f():\n    return b"x"', 2, "must be a name, got a string of bytes"],
    ["a named character", 'def f():\n    return "\\N{BULLET}"', 2, "got a string with \\N{NAME}"],
    ["a number", "def f():\n    return 0.5", 2, "must be a whole number, got 0.5"],
    ["a text of a list", 'def f():\n    return f"{[1]}"', 2, "got a list"],
    ["an error", "def f():\n    raise ValueError()", 2, "an error must not be raised, one is"],
    ["a missing entry", 'def f():\n    return {"a": 1}["b"]', 2, 'there must be an entry "b", got none'],
    ["a missing item", 'def f():\n    return "ab"[2]', 2, "there must be an item 2, got 2 items"],
    [
      "two kinds",
      'def f():\n    return "a" + 1',
      2,
      "+ must join two texts, numbers or lists, got a string and a number",
    ],
    [
      "other arguments",
      "def f():\n    return g(1, 2)\ndef g(a):\n    return a",
      2,
      "g must be given no more than 1 arguments, got others",
    ],
    ["no end", "def f():\n    return f()", 2, "calls must not go that deep"],
    [
      "a long way",
      "def f():\n    for a in range(1000):\n        for b in range(1000):\n            pass",
      4,
      "it must end after 100000 steps",
    ],
    ["a decorator", "@cached\ndef f():\n    return 1", 1, "f must have no decorator, it has one"],
    [
      "two functions",
      "def f():\n    return 1\ndef f():\n    return 2",
      1,
      "there must be one def f, got none or several",
    ],
    [
      "a function set anew",
      "def f():\n    return g()\ndef g():\n    return 1\ng = wrap(g)",
      2,
      "g must be a name that is understood",
    ],
    [
      "a constant set twice",
      'X = "a"\nif absent:\n    X = "b"\ndef f():\n    return X',
      5,
      "X must be a name that is understood",
    ],
    [
      "a constant changed",
      'X = ["a"]\nX += ["b"]\ndef f():\n    return X[0]',
      4,
      "X must be a name that is understood",
    ],
    ["a string without end", 'def f():\n    return "x\n', 2, 'a string must end with ", got none'],
  ])("%s", (_, source, line, message) => {
    const call = () => new PythonModule(source).call("f", []);
    expect(call).toThrow(message);
    expect(call).toThrow(expect.objectContaining({ line }));
  });
});
