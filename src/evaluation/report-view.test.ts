import vm from "node:vm";
import { expect, it } from "vitest";
import type { ReportSample } from "./report-data.ts";
import { reportScript } from "./report-script.ts";
import {
  chooseSamples,
  clockOf,
  lanesOf,
  passes,
  searchText,
  segmentsOf,
  timelineOf,
} from "./report-view.ts";

const sample = (given: Partial<ReportSample>): ReportSample => ({
  id: "a",
  file: "f.jsonl",
  line: 1,
  benchmark: null,
  category: null,
  video: null,
  question: "",
  options: [],
  type: "text",
  gold: null,
  durationSeconds: null,
  output: null,
  answer: null,
  truncated: null,
  problems: [],
  accuracy: { score: 1 },
  format: { score: 1 },
  concluded: { value: null, why: "" },
  thinking: { score: 1 },
  consistent: { value: true, why: "" },
  claims: [],
  claimsWhy: "",
  references: null,
  alignment: null,
  tar: { score: null, reason: "" },
  attention: { value: null, why: "" },
  logged: null,
  retry: false,
  think: null,
  marks: [],
  ...given,
});

it("lists what the filter and all words of the search let through, in the order asked for", () => {
  const samples = [
    sample({ question: "A red ball?", tar: { score: 0.5 } }),
    sample({ question: "A red box?", tar: { score: 0 }, accuracy: { score: 0 } }),
    sample({ question: "A dog?", benchmark: "mvbench", consistent: { value: false, why: "" } }),
  ];
  const texts = samples.map(searchText);
  const choose = (given: object) =>
    chooseSamples(samples, { text: "", filter: "all", benchmark: "", sort: "order", ...given }, texts);
  expect(choose({})).toEqual([0, 1, 2]);
  expect(choose({ text: "RED a" })).toEqual([0, 1]);
  expect(choose({ filter: "wrong" })).toEqual([1]);
  expect(choose({ filter: "lucky" })).toEqual([2]);
  expect(choose({ benchmark: "mvbench" })).toEqual([2]);
  expect(choose({ sort: "tar" })).toEqual([1, 0, 2]);
});

it("takes a cut-off output for neither inconsistent nor untold", () => {
  const cut = sample({ truncated: "cut off", consistent: { value: null, why: "" } });
  expect(["inconsistent", "untold", "truncated"].map((filter) => passes(cut, filter))).toEqual([
    false,
    false,
    true,
  ]);
});

it("cuts text at marks that overlap, and loses nothing of it", () => {
  const segments = segmentsOf("So at 0:05 it ends.", [
    { from: 3, to: 10, claim: 0 },
    { from: 0, to: 40, claim: -1 },
  ]);
  expect(segments).toEqual([
    { text: "So ", claim: null, decides: true },
    { text: "at 0:05", claim: 0, decides: true },
    { text: " it ends.", claim: null, decides: true },
  ]);
});

it("writes clocks", () => {
  expect([0, 59.96, 61.5, 3725].map(clockOf)).toEqual(["00:00", "01:00", "01:01.5", "1:02:05"]);
});

it("puts claims that overlap into different lanes, within the width", () => {
  const at = (startSeconds: number, endSeconds: number) => ({ startSeconds, endSeconds });
  const { bars, lanes } = lanesOf([at(0, 6), at(5, 9), at(7, 8), at(10, 10)], 10, () => false);
  expect(lanes).toBe(2);
  expect(bars.map(({ lane }) => lane)).toEqual([0, 1, 0, 0]);
  for (const { left, width } of bars) expect(left + width).toBeLessThanOrEqual(1 + 1e-9);
});

it("ends the time line at the video's end or the last claim, whichever is later", () => {
  const claims = [{ startSeconds: 50, endSeconds: 70, text: "x" }];
  expect(timelineOf(sample({ claims, durationSeconds: 60 }))).toMatchObject({ end: 70, lanes: { said: 1 } });
  expect(timelineOf(sample({}))).toBeNull();
});

it("is a script by itself: it parses, and its functions need nothing from outside", () => {
  const script = reportScript();
  const pure = script.slice(0, script.indexOf("const make ="));
  const out = vm.runInNewContext(
    `${pure}; view.timelineOf({claims: [{startSeconds: 1, endSeconds: 2, text: "x"}], references: null, alignment: null, durationSeconds: 10}).end`,
  );
  expect(out).toBe(10);
  expect(() => new vm.Script(script)).not.toThrow();
});
