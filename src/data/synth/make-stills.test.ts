import { describe, expect, it } from "vitest";
import { UsageError } from "../../base/index.ts";
import { planVideo } from "./plan-video.ts";
import { renderScene } from "./render.ts";
import { isVisible, type Scene, visibleAt } from "./scene.ts";
import { colours, isHeldoutPair } from "./vocabulary.ts";

const world = { seed: 31, levels: [0], lengths: [1, 4, 40], questionsPerVideo: 3, timelines: 1 };
const plans = Array.from({ length: 400 }, (_, index) => planVideo({ ...world, split: "train" }, index));
const blended = plans.filter(({ scene }) => scene.entities.some(({ blend }) => blend !== undefined));

describe("stills", () => {
  it("show one to six things in every second, other ones in the next step of the grid, each form once", () => {
    for (const { scene } of plans)
      for (let second = 0; second < scene.durationSeconds; second++) {
        const visible = visibleAt(scene, second);
        expect(visible.length).toBeGreaterThanOrEqual(1);
        expect(visible.length).toBeLessThanOrEqual(6);
        expect(new Set(visible.map(({ form }) => form)).size).toBe(visible.length);
        const next = second + scene.gridSeconds;
        if (next + scene.gridSeconds <= scene.durationSeconds)
          expect(visible.filter((entity) => isVisible(entity, next))).toEqual([]);
      }
  });

  it("keep things apart and inside the picture", () => {
    for (const { scene } of plans) {
      const visible = visibleAt(scene, 0);
      const boxes = visible.map(({ kind, form, radius, paths }) => ({
        x: paths[0]?.[0]?.x ?? 0,
        y: paths[0]?.[0]?.y ?? 0,
        half: kind === "shape" ? radius : kind === "digit" ? 10 : (form.length * 24 - 4) / 2,
        high: kind === "shape" ? radius : 14,
      }));
      for (const [i, a] of boxes.entries()) {
        expect(a.x - a.half).toBeGreaterThanOrEqual(0);
        expect(a.x + a.half).toBeLessThanOrEqual(112);
        expect(a.y + a.high).toBeLessThanOrEqual(112);
        for (const b of boxes.slice(i + 1))
          expect(Math.abs(a.x - b.x) >= a.half + b.half || Math.abs(a.y - b.y) >= a.high + b.high).toBe(true);
      }
    }
  });

  it("are in two colours half of the time, and never in a single one that is held out", () => {
    expect(blended.length / plans.length).toBeGreaterThan(0.4);
    expect(blended.length / plans.length).toBeLessThan(0.6);
    for (const { scene } of plans)
      for (const {
        blend,
        form,
        colours: [first],
      } of scene.entities)
        if (blend === undefined) expect(isHeldoutPair(form, first?.colour ?? "red")).toBe(false);
        else expect(blend.colour).not.toBe(first?.colour);
  });

  it("are told place by place, colours only where they have names, with the number of things as the answer", () => {
    const names = Object.keys(colours);
    for (const { scene, rows } of plans) {
      const row = rows.find(({ category }) => category === "still");
      const [, clock] = row?.reasoning?.match(/(\d\d:\d\d)/) ?? [];
      const seconds = Number(clock?.slice(0, 2)) * 60 + Number(clock?.slice(3));
      const visible = visibleAt(scene, seconds);
      expect(row?.answer).toBe(String(visible.length));
      const told = (row?.reasoning ?? "").split(".")[0] ?? "";
      expect(told.match(/\bthe (top|bottom)( left| middle| right)? shows\b/gi)?.length).toBe(visible.length);
      for (const { form } of visible) expect(told).toContain(form);
      const named = names.filter((name) => told.includes(` ${name} `));
      if (blended.some((plan) => plan.scene === scene)) expect(named).toEqual([]);
      else expect(named.length).toBeGreaterThan(0);
    }
  });

  it("have questions about one moment only, and none where colours have no names", () => {
    for (const { rows } of plans) expect(rows.every(({ momentary }) => momentary)).toBe(true);
    for (const { rows } of blended) expect(rows.map(({ category }) => category)).toEqual(["still"]);
    expect(plans.some(({ rows }) => rows.length === 4)).toBe(true);
  });

  it("are painted from the one colour to the other", () => {
    const plan = blended.find(({ scene }) =>
      scene.entities.some(({ form, blend }) => form === "square" && blend?.dx === 1),
    );
    const square = plan?.scene.entities.find(({ form }) => form === "square");
    if (plan === undefined || square?.blend === undefined) throw new Error("no square from left to right");
    const time = square.spans[0]?.start ?? 0;
    const frame = [...renderScene(plan.scene, 112, 4)][time * 4];
    const { x = 0, y = 0 } = square.paths[0]?.[0] ?? {};
    const at = (dx: number): number[] => {
      const offset = (y * 112 + x + dx) * 3;
      return [...(frame?.subarray(offset, offset + 3) ?? [])];
    };
    const [from, to] = [colours[square.colours[0]?.colour ?? "red"], colours[square.blend.colour]];
    const edge = Math.floor(square.radius * 0.88) - 1;
    for (let c = 0; c < 3; c++) {
      const [a, b] = [from[c] ?? 0, to[c] ?? 0];
      expect(Math.abs((at(-edge)[c] ?? 0) - (a + 0.1 * (b - a)))).toBeLessThan(16);
      expect(Math.abs((at(0)[c] ?? 0) - (a + b) / 2)).toBeLessThan(8);
      expect(Math.abs((at(edge)[c] ?? 0) - (b + 0.1 * (a - b)))).toBeLessThan(16);
    }
  });
});

it("may be short, and without questions where there are accounts", () => {
  const short = { seed: 1, split: "train", lengths: [1] } as const;
  expect(planVideo({ ...short, levels: [0], questionsPerVideo: 0, timelines: 1 }, 0).rows).toHaveLength(1);
  expect(() => planVideo({ ...short, levels: [0], questionsPerVideo: 0 }, 0)).toThrow(UsageError);
  expect(() => planVideo({ ...short, levels: [0, 1] }, 0)).toThrow("from 8 to 64");
});

it("look alike whenever their clock starts, and all their times are by that clock", () => {
  const settings = { ...world, split: "train", lengths: [1, 3], lookups: 2 } as const;
  const starts = new Set<number>();
  for (let index = 0; index < 200; index++) {
    const plain = planVideo(settings, index);
    const later = planVideo({ ...settings, latestStart: 58 }, index);
    const { startSeconds, durationSeconds } = later.scene;
    starts.add(startSeconds);
    if (index < 10) {
      const pixels = (scene: Scene): Buffer => Buffer.concat([...renderScene(scene, 32, 4)]);
      expect(pixels(later.scene).equals(pixels(plain.scene))).toBe(true);
    }
    for (const row of later.rows) {
      expect(row.startSeconds ?? 0).toBe(startSeconds);
      const said = [row.question, row.reasoning, ...Object.keys(row.temporal_grounding)].join(" ");
      for (const [, minutes, seconds] of said.matchAll(/(\d\d):(\d\d)/g)) {
        const time = 60 * Number(minutes) + Number(seconds);
        expect(time).toBeGreaterThanOrEqual(startSeconds);
        expect(time).toBeLessThanOrEqual(startSeconds + durationSeconds);
      }
    }
  }
  expect(starts.size).toBeGreaterThan(40);
  expect(Math.max(...starts)).toBeLessThanOrEqual(58);
  expect(() => planVideo({ ...settings, levels: [0, 1], lengths: [8], latestStart: 5 }, 0)).toThrow(
    "latest start",
  );
});
