import { describe, expect, it } from "vitest";
import { judgeConsistency } from "../../judges/index.ts";
import { answerTarget } from "../../models/index.ts";
import { parseTrace } from "../../trace/index.ts";
import { Oracle } from "../testing/oracle.ts";
import { factsGrounded, factsSaid } from "../testing/sentence-facts.ts";
import { thingsAt } from "./events.ts";
import { planVideo, type VideoPlan, type WorldOptions } from "./plan-video.ts";
import { splits } from "./vocabulary.ts";

const plans: VideoPlan[] = splits.flatMap((split) =>
  Array.from({ length: 350 }, (_, index) =>
    planVideo({ seed: 11, split, questionsPerVideo: 8, subtitles: 0.25, levels: [1, 2, 3] }, index),
  ),
);
const rows = plans.flatMap((plan) => plan.rows);

/** Every category there is, with the answer types it is asked in. */
const categories: Record<string, string> = {
  "colour-at": "choice text",
  "shape-at": "choice text",
  "word-at": "choice text",
  "digit-at": "choice number",
  "count-at": "choice number",
  "position-at": "choice text",
  "object-at": "choice text",
  "presence-at": "choice text",
  "subtitle-at": "choice text",
  first: "choice text",
  last: "choice text",
  after: "choice text",
  before: "choice text",
  order: "choice text",
  earliest: "choice",
  "happens-at": "choice",
  "count-total": "choice number",
  "count-appearances": "choice number",
  "count-changes": "choice number",
  duration: "choice number",
  longer: "choice text",
  "when-appear": "choice time",
  "when-disappear": "choice time",
  "when-recolour": "choice time",
  "when-move": "choice time",
  "when-touch": "choice time",
  direction: "choice text",
  "change-to": "choice text",
  "change-from": "choice text",
  touched: "choice text",
  "subtitle-when": "choice text",
};

describe("questions", () => {
  it("come in every category and answer type, half of them answerable from one moment", () => {
    const seen: Record<string, Set<string>> = {};
    for (const row of rows) {
      seen[row.category] ??= new Set();
      seen[row.category]?.add(row.answerType);
    }
    expect(
      Object.fromEntries(Object.entries(seen).map(([name, types]) => [name, [...types].sort().join(" ")])),
    ).toEqual(categories);
    const momentary = rows.filter((row) => row.momentary);
    expect(new Set(momentary.map(({ category }) => category))).toEqual(
      new Set(Object.keys(categories).filter((name) => name.endsWith("-at") && name !== "happens-at")),
    );
    // Half of eight, or more where a scene has little to ask about as a whole.
    expect(momentary.length / rows.length).toBeGreaterThanOrEqual(0.5);
    expect(momentary.length / rows.length).toBeLessThan(0.55);
  });

  it("have exactly one right answer: the one that a lookup in a table of seconds finds", () => {
    const wrong: unknown[] = [];
    for (const plan of plans) {
      const oracle = new Oracle(plan.scene);
      for (const row of plan.rows) {
        const found = oracle.answer(
          row.question,
          row.options.map(({ text }) => text),
        );
        const right =
          row.options.length === 0
            ? [found].flat()
            : row.options.filter(({ text }) => [found].flat().includes(text)).map(({ letter }) => letter);
        if (right.length !== 1 || right[0] !== row.answer) wrong.push({ row, found });
      }
    }
    expect(wrong).toEqual([]);
  });

  it("never come twice about one video, and options differ", () => {
    for (const plan of plans) {
      expect(plan.rows).toHaveLength(8);
      expect(new Set(plan.rows.map(({ question }) => question)).size).toBe(plan.rows.length);
      for (const { options } of plan.rows) {
        expect(new Set(options.map(({ text }) => text)).size).toBe(options.length);
        expect(options.map(({ letter }) => letter).join("")).toBe("ABCDE".slice(0, options.length));
      }
    }
  });

  it("have their right option at every letter about equally often", () => {
    const four = rows.filter(({ options }) => options.length === 4);
    for (const letter of "ABCD") {
      const share = four.filter(({ answer }) => answer === letter).length / four.length;
      // 5 standard errors of a share of 1/4 over the rows there are.
      expect(Math.abs(share - 0.25)).toBeLessThan(5 * Math.sqrt(0.1875 / four.length));
    }
  });
});

describe("reasoning", () => {
  it("states only what is so at the seconds it names", () => {
    const wrong: unknown[] = [];
    for (const plan of plans) {
      const oracle = new Oracle(plan.scene);
      for (const row of plan.rows) {
        const facts = factsSaid(row.reasoning);
        if (facts.length === 0)
          wrong.push({ id: row.id, reasoning: row.reasoning, problem: "states nothing" });
        for (const { clause, start, end } of facts) {
          const problem = oracle.refute(clause, start, end);
          if (problem !== null) wrong.push({ id: row.id, reasoning: row.reasoning, problem });
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  it("cites only what the grounding has within one second, about the same thing", () => {
    const thing =
      /(red|orange|yellow|green|cyan|blue|purple|white) (word \w+|digit \d|[a-z]+?)(?:s|es)?\b|empty|subtitles/;
    for (const row of rows) {
      const grounded = factsGrounded(row.temporal_grounding);
      for (const said of factsSaid(row.reasoning)) {
        const name = thing.exec(said.clause.toLowerCase())?.[0] ?? "?";
        const near = grounded.some(
          ({ clause, start, end }) =>
            start - 1 <= (said.end ?? said.start) &&
            said.start <= (end ?? start) + 1 &&
            clause.toLowerCase().includes(name),
        );
        expect(near, `${row.id}: ${JSON.stringify(said)}`).toBe(true);
      }
    }
  });

  it("concludes what the answer says, and every claim in it can be extracted", () => {
    for (const row of rows) {
      const trace = parseTrace(answerTarget(row.reasoning, row.answer), {
        durationSeconds: row.durationSeconds,
      });
      expect(trace.problems).toEqual([]);
      const { verdict } = judgeConsistency(trace, { options: row.options, type: row.answerType });
      expect(verdict, row.reasoning).toBe("consistent");
      const times = new Set(factsSaid(row.reasoning).map(({ start, end }) => `${start}-${end ?? start}`));
      for (const time of times)
        expect(trace.claims.map((claim) => `${claim.startSeconds}-${claim.endSeconds}`)).toContain(time);
    }
  });

  it("looks for a thing among those on screen, one after the other, until it is found or there are no more", () => {
    const asked = plans.flatMap(({ scene, rows: own }) =>
      own.filter(({ category }) => category === "presence-at").map((row) => ({ scene, row })),
    );
    expect(asked.length).toBeGreaterThan(50);
    for (const { scene, row } of asked) {
      const [, wanted = "", passed = "", found] =
        /Is there (.*?): (.*): (yes|no)\./.exec(row.reasoning) ?? [];
      expect(row.question.toLowerCase()).toContain(wanted);
      expect(row.options.find(({ letter }) => letter === row.answer)?.text ?? row.answer).toBe(found);
      const [start] = factsSaid(row.reasoning).map((fact) => fact.start);
      const things = thingsAt(scene, start ?? 0);
      const at = things.indexOf(wanted);
      expect(found).toBe(at === -1 ? "no" : "yes");
      const seen = at === -1 ? things : things.slice(0, at + 1);
      expect(passed).toBe(seen.length === 0 ? "the screen is empty" : seen.join(", "));
    }
  });

  it("is short enough for a small model", () => {
    const lengths = rows.map(({ reasoning }) => reasoning.split(/\s+/).length).sort((a, b) => a - b);
    expect(lengths[Math.floor(lengths.length / 2)]).toBeLessThan(25);
    expect(lengths.at(-1)).toBeLessThan(75);
  });
});

describe("worlds to go wrong in", () => {
  const world = { seed: 12, split: "train", questionsPerVideo: 6, levels: [1, 2, 3] } as const;
  const rowsOf = (options: Partial<WorldOptions>) =>
    Array.from({ length: 200 }, (_, index) => planVideo({ ...world, ...options }, index).rows).flat();

  it("have the right option first as often as asked, the others anywhere behind it", () => {
    for (const firstOption of [0, 0.8, 1]) {
      const four = rowsOf({ firstOption }).filter(({ options }) => options.length === 4);
      const first = four.filter(({ answer }) => answer === "A").length / four.length;
      // 5 standard errors.
      expect(Math.abs(first - firstOption)).toBeLessThanOrEqual(5 * Math.sqrt(0.16 / four.length));
      if (firstOption < 1) expect(new Set(four.map(({ answer }) => answer)).size).toBeGreaterThanOrEqual(3);
    }
  });

  it("have options to every question where open ones are not wanted, and none where only open ones are", () => {
    expect(rowsOf({ open: 0 }).every(({ options }) => options.length > 1)).toBe(true);
    const open = rowsOf({ open: 1 });
    const forms = new Set(open.filter(({ options }) => options.length > 0).map(({ category }) => category));
    // These can be asked with options only.
    expect([...forms].sort()).toEqual(["earliest", "happens-at"]);
  });

  it("reason loosely: something of the video, no time, and one time of two not to the answer", () => {
    const loose = rowsOf({ reasoning: "loose", open: 0 });
    const verdicts = loose.map((row) => {
      const trace = parseTrace(answerTarget(row.reasoning, row.answer), {
        durationSeconds: row.durationSeconds,
      });
      expect(trace.problems).toEqual([]);
      const [seen = ""] = row.reasoning.split(".");
      expect(Object.values(row.temporal_grounding).join(" ")).toContain(seen);
      expect(seen).not.toMatch(/\d\d:\d\d/);
      return judgeConsistency(trace, { options: row.options, type: row.answerType }).verdict;
    });
    expect(new Set(verdicts)).toEqual(new Set(["consistent", "inconsistent"]));
    const agree = verdicts.filter((verdict) => verdict === "consistent").length / verdicts.length;
    // 5 standard errors of a half.
    expect(Math.abs(agree - 0.5)).toBeLessThan(2.5 / Math.sqrt(verdicts.length));
  });

  it("are refused where the shares are none", () => {
    expect(() => rowsOf({ open: 2 })).toThrow("open: must be a share from 0 to 1");
    expect(() => rowsOf({ firstOption: -1 })).toThrow("first option: must be a share from 0 to 1");
    expect(() => rowsOf({ reasoning: "none" as "loose" })).toThrow("reasoning: must be aligned or loose");
  });
});

it("grounding says only what is so", () => {
  const wrong: unknown[] = [];
  for (const plan of plans) {
    const oracle = new Oracle(plan.scene);
    for (const { clause, start, end } of factsGrounded(plan.rows[0]?.temporal_grounding ?? {})) {
      const problem = oracle.refute(clause, start, end);
      if (problem !== null) wrong.push({ id: plan.rows[0]?.id, problem });
    }
  }
  expect(wrong).toEqual([]);
});

it("the check itself refutes what is not so: another colour, another second", () => {
  const colours = ["red", "orange", "yellow", "green", "cyan", "blue", "purple", "white"];
  let refuted = 0;
  for (const plan of plans.slice(0, 100)) {
    const oracle = new Oracle(plan.scene);
    const used = new Set(
      plan.scene.entities.flatMap((entity) => entity.colours.map(({ colour }) => colour as string)),
    );
    const unused = colours.find((colour) => !used.has(colour)) ?? "";
    for (const { clause, start, end } of factsGrounded(plan.rows[0]?.temporal_grounding ?? {})) {
      if (/empty|subtitles/.test(clause)) continue;
      expect(oracle.refute(clause.replace(new RegExp(colours.join("|")), unused), start, end)).not.toBeNull();
      if (/appear/.test(clause))
        expect(oracle.refute(clause, start + plan.scene.gridSeconds, end)).not.toBeNull();
      refuted++;
    }
  }
  expect(refuted).toBeGreaterThan(300);
});
