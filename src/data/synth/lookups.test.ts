import { expect, it } from "vitest";
import { phasesOf } from "./events.ts";
import { planVideo } from "./plan-video.ts";
import { visibleAt } from "./scene.ts";
import { clock, labelOf } from "./wording.ts";

const world = { seed: 5, split: "train", questionsPerVideo: 0, lookups: 4 } as const;
const plans = Array.from({ length: 200 }, (_, index) =>
  planVideo({ ...world, levels: [0, 1, 2, 3], lengths: [8, 16, 64] }, index),
);
const rowsOf = (category: string) =>
  plans.flatMap(({ scene, rows }) =>
    rows.filter((row) => row.category === category).map((row) => ({ scene, row })),
  );
const secondsIn = (text: string): number[] =>
  [...text.matchAll(/(\d\d):(\d\d)/g)].map(([, minutes, seconds]) => 60 * Number(minutes) + Number(seconds));

it("looks the asked seconds up in the order asked, everything there named, and counts the last", () => {
  let unordered = 0;
  for (const { scene, row } of rowsOf("look-up")) {
    const asked = secondsIn(row.question);
    expect(new Set(asked).size).toBe(asked.length);
    const told = row.reasoning.split(/(?<=\.) /).slice(0, -1);
    expect(told.flatMap(secondsIn)).toEqual(asked);
    if (asked.some((second, i) => second < (asked[i - 1] ?? 0))) unordered++;
    for (const [i, second] of asked.entries()) {
      const visible = visibleAt(scene, second);
      for (const entity of visible) expect(told[i]).toContain(labelOf(entity, second));
      if (visible.length === 0) expect(told[i]).toMatch(/the screen is empty/i);
    }
    const things = visibleAt(scene, asked.at(-1) ?? 0).flatMap(({ paths }) => paths);
    expect(row).toMatchObject({ answer: String(things.length), answerType: "number" });
  }
  expect(unordered).toBeGreaterThan(100);
});

it("tells from when to when each asked thing is there, and from when on the last", () => {
  const rows = rowsOf("when-seen");
  expect(rows.length).toBeGreaterThan(200);
  for (const { scene, row } of rows) {
    const phases = scene.entities.flatMap(phasesOf);
    const told = row.reasoning.split(/(?<=\.) /).slice(0, -1);
    for (const sentence of told) {
      const [start, end] = secondsIn(sentence);
      const named = phases.filter(({ entity, start: from }) => sentence.includes(labelOf(entity, from)));
      expect(named.map((phase) => [phase.start, phase.end])).toContainEqual([start, end]);
    }
    expect(row.answer).toBe(clock(secondsIn(told.at(-1) ?? "")[0] ?? -1));
  }
});

it("goes through options from the prompt up to the last that is asked", () => {
  const plans = Array.from({ length: 100 }, (_, index) =>
    planVideo({ ...world, lookups: 0, optionRows: 2, levels: [0], lengths: [1] }, index),
  );
  for (const row of plans.flatMap(({ rows }) => rows)) {
    const right = row.options.find(({ letter }) => letter === row.answer);
    const asked = /are (.*), and which is/.exec(row.question)?.[1] ?? "";
    expect(asked.endsWith(right?.text ?? "?")).toBe(true);
    expect(row.reasoning).toContain(`, ${asked} are asked. `);
    const until = row.options.slice(0, 1 + row.options.indexOf(right ?? { letter: "", text: "" }));
    const gone = until.map(({ letter, text }) => `(${letter}) ${text}`).join(", ");
    expect(row.reasoning.endsWith(` answer is ${right?.text}. ${gone}: option (${row.answer}).`)).toBe(true);
  }
});

it("is asked for by number", () => {
  expect(planVideo({ ...world, lookups: 1 }, 0).rows).toHaveLength(1);
  expect(() => planVideo({ ...world, lookups: 0 }, 0)).toThrow("0 with timelines, lookups or option rows");
  expect(() => planVideo({ ...world, lookups: 5 }, 0)).toThrow("lookups: must be a whole number from 0 to 4");
});
