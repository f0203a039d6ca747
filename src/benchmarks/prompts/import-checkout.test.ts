/** A checkout of our own making is imported; the words come out as its functions would put them, worked by hand. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha256 } from "../../base/index.ts";
import {
  type CheckoutImport,
  type CheckoutImportOptions,
  findBenchmark,
  importCheckout,
  parsePromptProfile,
  promptExamples,
} from "../index.ts";
import { writeBenchmark } from "../testing/write-benchmark.ts";
import { writeCheckout } from "../testing/write-checkout.ts";

const root = mkdtempSync(join(tmpdir(), "checkouts-"));
afterAll(() => rmSync(root, { recursive: true }));

/** A new checkout with some files changed. */
function checkoutWith(changes: Readonly<Record<string, string | null>> = {}): string {
  const folder = mkdtempSync(join(root, "checkout-"));
  writeCheckout(folder, changes);
  return folder;
}

const imported = (changes: Readonly<Record<string, string | null>>, options: CheckoutImportOptions = {}) =>
  importCheckout(checkoutWith(changes), options);

/** The prompt of the example of a form. */
function promptOf({ profile }: CheckoutImport, name: string, form: string): string {
  const benchmark = findBenchmark(name);
  const example = promptExamples(benchmark).find((one) => one.form === form);
  if (example === undefined) throw new RangeError(`${name} has no form ${form}`);
  return benchmark.prompt(example.question, profile);
}

/** Why one benchmark is left out; all others are not. */
async function whyLeftOut(name: string, changes: Readonly<Record<string, string | null>>): Promise<string> {
  const { leftOut } = await imported(changes);
  expect(leftOut.map(({ benchmark }) => benchmark)).toEqual([name]);
  return leftOut[0]?.reason ?? "";
}

describe("a checkout", () => {
  let found: CheckoutImport;
  beforeAll(async () => {
    found = await imported({});
  });

  it("is imported whole", () => {
    expect(found.leftOut).toEqual([]);
    expect(found.imported.map(({ benchmark }) => benchmark)).toEqual([
      ...["mvbench", "videomme", "tempcompass", "mlvu", "longvideobench"],
      ...["videomathqa", "video_mmmu", "mmvu", "vsibench", "minerva", "scivideobench"],
    ]);
    expect(found.imported[0]).toMatchObject({
      writers: ["tasks/mvbench_think/utils.py:8 words"],
      keys: ["default"],
    });
    expect(found.imported[0]?.tasks).toHaveLength(20);
  });

  it("gives the same file each time, and one that is read as it is", async () => {
    expect(parsePromptProfile(found.text, "p.json")).toEqual(found.profile);
    expect(found.sha256).toBe(sha256(found.text));
    expect((await imported({})).profile.benchmarks).toEqual(found.profile.benchmarks);
  });

  it("keeps what the YAML names, and how options are written", () => {
    expect(found.profile.benchmarks.video_mmmu).toEqual({
      pieces: {
        mcq_prompt: "Then choose: ",
        open_prompt: "Then write: ",
        post_prompt: "\nThat is all.",
        pre_prompt: "Learn first. ",
        quiz_prompt: "\nNo quiz, please.",
      },
      templates: {
        lecture: "«question»\n«options»«quiz_prompt»«post_prompt»",
        adaptation_choice: "«pre_prompt»«mcq_prompt»«question»\n«options»«post_prompt»",
        adaptation_open: "«pre_prompt»«open_prompt»«question»«post_prompt»",
      },
      option: "«letter». «text»",
      lettered: "«text»",
      separator: "\n",
    });
    expect(found.profile.benchmarks.mvbench).toMatchObject({
      templates: { default: "Q:«question»\nChoices:\n«options»\n«post_prompt»" },
      option: "<«letter»> «text»",
    });
    expect(found.profile.benchmarks.mmvu).toMatchObject({ option: "«letter») «text»", separator: "; " });
  });

  const four = "A. red\nB. green\nC. blue\nD. white";
  const ten =
    "A. red\nB. green\nC. blue\nD. white\nE. black\nF. grey\nG. brown\nH. pink\nI. orange\nJ. yellow";
  const asked = "What colour is the ball?";
  it.each([
    [
      "mvbench",
      "default",
      `Q:${asked}\nChoices:\n<A> red\n<B> green\n<C> blue\n<D> white\n<E> black\n\nThink aloud, then choose.`,
    ],
    ["videomme", "default", `Pick one of A, B, C and\tD.\n${asked}\n${four}\nMind the "clock".`],
    ["tempcompass", "default", `${asked}\n${four}\nSo:`],
    [
      "mlvu",
      "default",
      `Look well. ${asked}\n(A) red\n(B) green\n(C) blue\n(D) white\nThink a while,\nthen answer.\n`,
    ],
    [
      "longvideobench",
      "default",
      `${asked}\nA: red\nB: green\nC: blue\nD: white\nE: black\nWhich letter is it?`,
    ],
    ["videomathqa", "default", `Pick one, "A" to "E".\n${asked}\n${four}\nE. black\nCount twice.`],
    ["videomathqa", "two", `Pick one of both, A or B.\n${asked}\nA. red\nB. green\nCount twice.`],
    ["minerva", "default", `Pick one, "A" to "E".\n${asked}\n${four}\nE. black\nSo:`],
    ["minerva", "two", `Pick one of both, A or B.\n${asked}\nA. red\nB. green\nSo:`],
    ["video_mmmu", "lecture", `${asked}\n${ten}\nNo quiz, please.\nThat is all.`],
    ["video_mmmu", "adaptation_choice", `Learn first. Then choose: ${asked}\n${ten}\nThat is all.`],
    ["video_mmmu", "adaptation_open", "Learn first. Then write: How many balls are there?\nThat is all."],
    [
      "mmvu",
      "choice",
      `\nAsked: ${asked}\nA) red; B) green; C) blue; D) white; E) black\nOne letter, in {braces}.`,
    ],
    ["vsibench", "choice", `A room\\house.\n${asked}\nChoices:\n${four}\n\nReason, then a letter.`],
    ["vsibench", "number", "A room\\house.\nHow many balls are there?\nOne number.\nReason, then a letter."],
    [
      "scivideobench",
      "default",
      `In the laboratory: ${asked}\n${ten.replace(/^(.)\./gm, "($1)")}\nWhich one?`,
    ],
  ])("asks %s (%s)", (name, form, expected) => {
    expect(promptOf(found, name, form)).toBe(expected);
  });

  it("has words for every question of every edition", async () => {
    for (const { benchmark: name } of found.imported) {
      const benchmark = findBenchmark(name);
      const folder = join(root, `data-${name}`);
      writeBenchmark(name, folder);
      for await (const question of benchmark.read(folder)) {
        const prompt = benchmark.prompt(question, found.profile);
        expect(prompt).toContain(question.question);
        for (const { text } of question.options) expect(prompt).toContain(text);
      }
    }
  });
});

describe("of a checkout", () => {
  it("some benchmarks are taken", async () => {
    const benchmarks = [findBenchmark("lvb"), findBenchmark("mmvu")];
    const found = await imported({}, { benchmarks });
    expect(Object.keys(found.profile.benchmarks)).toEqual(["longvideobench", "mmvu"]);
  });

  it("the tasks without reasoning are taken, where wanted or alone", async () => {
    const plain = { ...{ benchmarks: [findBenchmark("videomme")] }, variant: "plain" } as const;
    const wanted = await imported({}, plain);
    expect(promptOf(wanted, "videomme", "default")).toContain('"A" to "E"');
    expect(promptOf(wanted, "videomme", "default")).toMatch(/Just a letter\.$/);
    expect(wanted.profile.name).toMatch(/^checkout-\w+@[\da-f]{8} plain$/);
    const alone = await imported({ "videomme_think/videomme.yaml": null });
    expect(alone.imported.find(({ benchmark }) => benchmark === "videomme")?.tasks).toEqual(["videomme"]);
    const { leftOut } = await imported({ "videomme_think/videomme.yaml": null }, { variant: "think" });
    expect(leftOut).toEqual([
      { benchmark: "videomme", reason: "tasks: there must be a task videomme_think, got none" },
    ]);
  });

  it("a model has its own words, and a default where it has none", async () => {
    const found = await imported({}, { model: "other_model" });
    expect(promptOf(found, "videomme", "default")).toMatch(/\nBe short\.$/);
    expect(promptOf(found, "videomathqa", "two")).toMatch(/\nCount twice\.$/);
    expect(found.imported[1]?.keys).toEqual(["other_model"]);
  });

  it("repository and commit are told", async () => {
    const commit = "0123456789abcdef0123456789abcdef01234567";
    const folder = checkoutWith();
    mkdirSync(join(folder, ".git", "refs", "heads"), { recursive: true });
    writeFileSync(join(folder, ".git", "HEAD"), "ref: refs/heads/main\n");
    writeFileSync(join(folder, ".git", "packed-refs"), `# pack-refs\n${commit} refs/heads/main\n`);
    writeFileSync(
      join(folder, ".git", "config"),
      '[core]\n\tbare = false\n[remote "origin"]\n\turl = https://me:secret@example.org/them/Words.git\n',
    );
    for (const named of [folder, join(folder, "eval/lmms-eval"), join(folder, "eval")])
      expect((await importCheckout(named)).profile).toMatchObject({
        name: "Words@0123456",
        source: `https://example.org/them/Words.git @ ${commit}`,
      });
    const newer = commit.replace("0", "f");
    writeFileSync(join(folder, ".git", "refs", "heads", "main"), `${newer}\n`);
    expect((await importCheckout(folder)).profile.name).toBe("Words@f123456");
    const elsewhere = join(root, "worktree");
    writeCheckout(elsewhere);
    mkdirSync(join(folder, ".git", "worktrees", "w"), { recursive: true });
    writeFileSync(join(folder, ".git", "worktrees", "w", "HEAD"), `${commit}\n`);
    writeFileSync(join(folder, ".git", "worktrees", "w", "commondir"), "../..\n");
    writeFileSync(join(elsewhere, ".git"), `gitdir: ${join(folder, ".git", "worktrees", "w")}\n`);
    expect((await importCheckout(elsewhere)).profile.name).toBe("Words@0123456");
  });

  it("a folder that is none is refused with what was looked for", async () => {
    await expect(importCheckout(join(root, "none"))).rejects.toMatchObject({
      code: "prompt-checkout",
      message: expect.stringContaining(join(root, "none", "lmms_eval/tasks")),
    });
  });
});

describe("a benchmark is left out", () => {
  const writer = (body: string) => `def words(doc, kwargs=None):\n${body}`;
  it.each<[string, string, Readonly<Record<string, string | null>>, string]>([
    [
      "whose task is not there",
      "mmvu",
      { "mmvu_think/val.yaml": null },
      "tasks: there must be a task mmvu_val_think or mmvu_val, got none",
    ],
    [
      "of which a task is not there",
      "video_mmmu",
      { "videommmu_think/perception.yaml": null },
      "one file must have the task video_mmmu_perception_think, got none",
    ],
    [
      "whose task is in two files",
      "mmvu",
      { "other/val.yaml": "task: mmvu_val_think\n" },
      "one file must have the task mmvu_val_think, got mmvu_think/val.yaml, other/val.yaml",
    ],
    [
      "whose Python is not there",
      "mmvu",
      { "mmvu_think/utils.py": null },
      "tasks/mmvu_think/utils.py: must be a file of Python, got ENOENT",
    ],
    [
      "whose include is not there",
      "video_mmmu",
      { "videommmu_think/_shared_yaml": null },
      "tasks/videommmu_think/_shared_yaml: must be readable YAML, got ENOENT",
    ],
    [
      "whose YAML is none",
      "mmvu",
      { "mmvu_think/val.yaml": "task: mmvu_val_think\na: [\n" },
      "tasks/mmvu_think/val.yaml: must be readable YAML, got ",
    ],
    [
      "whose text is no function",
      "mmvu",
      { "mmvu_think/val.yaml": 'task: mmvu_val_think\ndoc_to_text: "{{question}}"\n' },
      'tasks/mmvu_think/val.yaml: doc_to_text must be a !function, got "{{question}}"',
    ],
    [
      "whose function is not there",
      "mmvu",
      { "mmvu_think/utils.py": "def others(doc):\n    pass\n" },
      "tasks/mmvu_think/utils.py:1 words: there must be one such def, got none or several",
    ],
    [
      "whose function has a decorator",
      "mmvu",
      { "mmvu_think/utils.py": `@cached\n${writer("    return doc\n")}` },
      "tasks/mmvu_think/utils.py:1: words must have no decorator, it has one",
    ],
    [
      "whose prompt is no text",
      "mmvu",
      { "mmvu_think/utils.py": writer("    return [doc]\n") },
      "tasks/mmvu_think/utils.py:1 words: it must return a text, got a list",
    ],
    [
      "whose questions have options in two ways",
      "video_mmmu",
      {
        "videommmu_think/utils.py":
          'def lecture(doc, kwargs):\n    return doc["question"] + ";".join(doc["options"])\ndef adaptation(doc, kwargs):\n    return doc["question"] + "/".join(doc["options"])\n',
      },
      "adaptation: options must be written as in other questions of the benchmark, they are not",
    ],
    [
      "whose function is not understood",
      "scivideobench",
      {
        "scivideobench_think/utils.py": `import re\n\n${writer('    return re.sub("a", "b", doc["question"])\n')}`,
      },
      "tasks/scivideobench_think/utils.py:4: re.sub must be understood, it is not (in what words does)",
    ],
    [
      "whose function reads what no row has",
      "mmvu",
      { "mmvu_think/utils.py": writer('\n    return doc["absent"]\n') },
      'tasks/mmvu_think/utils.py:3: there must be an entry "absent", got none',
    ],
    [
      "whose settings lack what is read",
      "mlvu",
      { "mlvu_think/utils.py": writer('    return doc["question"] + kwargs["none_such"]\n') },
      'tasks/mlvu_think/utils.py:2: there must be an entry "none_such", got none',
    ],
    [
      "that is not asked",
      "mlvu",
      { "mlvu_think/utils.py": writer('    return "What is seen?"\n') },
      "tasks/mlvu_think/utils.py:1 words: the prompt must have the question, it has not",
    ],
    [
      "whose options are not shown",
      "mmvu",
      { "mmvu_think/utils.py": writer('    return doc["question"]\n') },
      "tasks/mmvu_think/utils.py:1 words: the prompt must have the options, it has not",
    ],
    [
      "whose options are shown twice",
      "tempcompass",
      {
        "tempcompass_complete_think/utils.py": writer(
          '    text = "\\n".join(doc["options"])\n    return doc["question"] + text + text\n',
        ),
      },
      "utils.py:1 words: the prompt must have the 4 options once and in order, it has not",
    ],
    [
      "whose options are not written alike",
      "tempcompass",
      {
        "tempcompass_complete_think/utils.py": writer(
          '    return doc["question"] + "\\n".join([f"{i}{o}" for i, o in enumerate(doc["options"])])\n',
        ),
      },
      "utils.py:1 words: the prompt must have the same text between all options, it has not",
    ],
    [
      "whose question is changed",
      "tempcompass",
      {
        "tempcompass_complete_think/utils.py": writer(
          '    return doc["question"].strip() + "\\n" + "\\n".join(doc["options"])\n',
        ),
      },
      "utils.py:1 words: a template must give its prompt to the byte, got ",
    ],
    [
      "whose words would read as a place",
      "mlvu",
      { "mlvu_think/utils.py": writer('    return doc["question"] + "«options»"\n') },
      'utils.py:1 words: the prompt must have no words in « », got "«options»"',
    ],
    [
      "of which one sub-task has other words",
      "mvbench",
      {
        "mvbench_think/mvbench_state_change.yaml":
          "include: _shared_yaml\ntask: mvbench_state_change_think\nlmms_eval_specific_kwargs: {default: {post_prompt: other}}\n",
      },
      "a template must give its prompt to the byte, got ",
    ],
  ])("%s", async (_, name, changes, reason) => {
    expect(await whyLeftOut(name, changes)).toContain(reason);
  });
});
