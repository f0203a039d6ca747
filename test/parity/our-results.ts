/** What our `compat: "reference"` gives on a parity case, in the shape in which the released code's is recorded. */

import {
  anchoredLetter,
  extractAnswer,
  firstBlock,
  firstCapital,
  inferQuestionType,
  judgedConsistency,
  judgedLetter,
  judgedNumber,
  lastBlock,
  longVideoBenchLetter,
  mmmuChoice,
  mmmuOpen,
  mmmuOpenCorrect,
  openAnswersMatch,
  parsePythonJson,
  pythonFloat,
  pythonStrip,
  relativeAccuracy,
  sciVideoLetterOrDraw,
  scoreAsReference,
  summarizeTac,
  type TacRow,
  tacDatasetName,
  tacRunSummary,
  textsMatch,
  vasReferenceSummary,
  vasReplyScore,
  vsiLetter,
  vsiNumber,
} from "../../src/metrics/index.ts";
import {
  accuracyReward,
  claimsFromGrounding,
  claimsFromReply,
  formatReward,
  gate,
  type ReplyClaims,
  temporalAlignmentReward,
} from "../../src/rewards/index.ts";
import type { ParityCase, ParserCase, TacRunCase, TraceCase } from "./generate-cases.ts";

/** The stand-in for an embedder: FNV-1a of both texts, in steps of 0.05 so that ties and thresholds are met. */
export function hashSimilarity(a: string, b: string): number {
  let value = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(`${a}\0${b}`))
    value = Math.imul(value ^ byte, 0x01000193) >>> 0;
  return (value % 21) / 20;
}

const listed = ({ claims }: ReplyClaims) =>
  claims ? claims.map((c) => [c.startSeconds, c.endSeconds, c.text]) : "fails";

function grounding(text: string): ReplyClaims {
  const value = parsePythonJson(text);
  return claimsFromGrounding(value instanceof Map ? value : (value as string));
}

function trace(item: TraceCase) {
  const predicted = claimsFromReply(item.claims_reply);
  const reference = grounding(item.grounding);
  const p = predicted.claims ?? [];
  const r = reference.claims ?? [];
  const failed = predicted.claims === null || reference.claims === null;
  const options = { compat: "reference", deltaSeconds: item.delta, threshold: item.threshold } as const;
  const similarity = (i: number, j: number) => hashSimilarity(p[i]?.text ?? "", r[j]?.text ?? "");
  const tar = failed ? 0 : temporalAlignmentReward(p, r, similarity, options).score;
  const decision = judgedConsistency(item.judge_reply);
  const key = { options: [], type: "text", gold: `<answer>${item.gold}</answer>` } as const;
  return {
    type: inferQuestionType(pythonStrip(item.gold)),
    accuracy: accuracyReward(item.output, key, options).score,
    format: formatReward(item.output, options).score,
    think: firstBlock(item.output, "think"),
    predicted: listed(predicted),
    reference: listed(reference),
    decision,
    tar,
    temporal: tar * (gate(decision, options).score ?? Number.NaN),
  };
}

function parsers(item: ParserCase) {
  const { output, reply, options, lettered, gold, open_gold, number } = item;
  const answer = extractAnswer(output);
  const input = { output, gold, options, random: () => 0 };
  const scored = (name: string, changes: object = {}) => scoreAsReference(name, { ...input, ...changes });
  const open = mmmuOpen(answer);
  const mmvu = scored("mmvu");
  const vas = vasReplyScore(reply);
  const letters = options.map((_, i) => String.fromCharCode(65 + i));
  return {
    mvbench: scored("mvbench").score,
    videomme: firstCapital(answer, "ABCD"),
    tempcompass: anchoredLetter(answer),
    mlvu: anchoredLetter(answer),
    longvideobench: longVideoBenchLetter(answer, letters, () => 0),
    videomathqa: firstCapital(answer, "ABCDE"),
    minerva: firstCapital(answer, "ABCDE"),
    mmvu: [mmvu.parsed, mmvu.score === 1],
    mmmu_choice: mmmuChoice(answer, options),
    mmmu_open: typeof open === "string" ? open : open.map((x) => (typeof x === "string" ? x : `#${x}`)),
    mmmu_open_correct: typeof open === "string" ? null : mmmuOpenCorrect(open_gold, open),
    scivideobench: sciVideoLetterOrDraw(answer, () => 0),
    vsi_choice: scored("vsibench").score,
    vsi_number: scored("vsibench", { options: [], gold: open_gold }).score ?? "fails",
    last_think: lastBlock(output, "think"),
    last_answer: lastBlock(output, "answer"),
    letters: {
      brackets: [null, 0, 2, 5].map((n) => judgedLetter(reply, n, true)),
      plain: [null, 0, 2, 5].map((n) => judgedLetter(reply, n, false)),
      odd: [],
    },
    tac_vsi_letter: vsiLetter(reply, lettered),
    post_vsi_letter: vsiLetter(reply, lettered, true),
    tac_number: judgedNumber(reply),
    tac_vsi_number: vsiNumber(reply),
    open_match: openAnswersMatch(reply, open_gold),
    text_match: textsMatch(reply, open_gold),
    vas: [vas.score, vas.rationale],
    mra: [
      relativeAccuracy(number[0], number[1], "lmms") ?? "fails",
      relativeAccuracy(number[0], number[1], "post"),
      relativeAccuracy(number[0], number[1], "tac"),
    ],
  };
}

/** The stand-in for the judge: what stands in double brackets. */
const said = (text: string) => pythonStrip([...text.matchAll(/\[\[([\s\S]*?)\]\]/g)].at(-1)?.[1] ?? "");

interface LogRow {
  doc: { options: string[] | null; answer?: string; ground_truth?: string; question_type?: string };
  filtered_resps: [string];
  minerva_perception_score?: { pred_answer: string };
  mmmu_acc?: { parsed_pred: string | string[] };
  vsibench_score?: { prediction: string };
}

const within = (value: number | null, target: number | null) =>
  value !== null && target !== null && target !== 0 && Math.abs(value - target) / Math.abs(target) <= 0.05;

function vsiRow(row: LogRow, think: string, answer: string): TacRow {
  const { options, ground_truth = "", question_type } = row.doc;
  const prediction = row.vsibench_score?.prediction ?? "";
  if (question_type === "route_planning") {
    const right = (text: string) => vsiLetter(text, options ?? []) === ground_truth;
    const row = { lmms: right(prediction), answer: right(answer), thinking: right(think) };
    return { ...row, scores: { lmms: +row.lmms, answer: +row.answer, thinking: +row.thinking } };
  }
  const target = pythonFloat(ground_truth);
  const values = { lmms: pythonFloat(prediction), answer: vsiNumber(answer), thinking: vsiNumber(think) };
  const score = (value: number | null) => relativeAccuracy(value, target, "tac") ?? 0;
  return {
    lmms: within(values.lmms, target),
    answer: within(values.answer, target),
    thinking: within(values.thinking, target),
    scores: { lmms: score(values.lmms), answer: score(values.answer), thinking: score(values.thinking) },
  };
}

function choiceRow(row: LogRow, think: string, answer: string, brackets: boolean): TacRow {
  const { options, answer: gold = "" } = row.doc;
  const n = options?.length ?? 0;
  if (n === 0) {
    const logged = (row.mmmu_acc?.parsed_pred ?? []) as string[];
    const parsed = logged.find((text) => judgedNumber(text) !== null) ?? logged.at(-1) ?? "";
    const right = (text: string) => openAnswersMatch(text, gold);
    return { lmms: right(parsed), answer: right(answer), thinking: right(think), choice: false };
  }
  const right = (text: string) => judgedLetter(text, n, brackets) === gold;
  const logged = row.minerva_perception_score?.pred_answer ?? (row.mmmu_acc?.parsed_pred as string);
  return { lmms: logged === gold, answer: right(answer), thinking: right(think), choice: true };
}

function tacRun({ script, rows }: TacRunCase) {
  const judged = (rows as unknown as LogRow[]).map((row) => {
    const output = row.filtered_resps[0];
    const [think, answer] = [said(lastBlock(output, "think")), said(lastBlock(output, "answer"))];
    return script === "vsibench"
      ? vsiRow(row, think, answer)
      : choiceRow(row, think, answer, script === "minerva");
  });
  return tacRunSummary(judged, script === "vsibench" ? "vsi" : script === "video_mmmu" ? "mixed" : "choice");
}

/** Our result for a case, in the shape of the runner's. */
export function ourResult(item: ParityCase): unknown {
  if (item.op === "trace") return trace(item);
  if (item.op === "parsers") return parsers(item);
  if (item.op === "tac_run") return tacRun(item);
  if (item.op === "tac_summary") {
    const runs = Object.fromEntries(
      Object.entries(item.runs).map(([name, run]) => [tacDatasetName(name), run]),
    );
    return summarizeTac(runs, { alpha: item.alpha, gamma: item.gamma });
  }
  const scores = Object.entries(item.files)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, replies]) => [name, replies.map((reply) => vasReplyScore(reply).score ?? 0)] as const);
  return vasReferenceSummary(Object.fromEntries(scores));
}
