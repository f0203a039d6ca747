/** MVBench (arXiv 2311.17005): twenty temporal tasks of 200 questions, two to five options each. */

import { extractAnswer, mvBenchLetter } from "../metrics/index.ts";
import { defineBenchmark } from "./define-benchmark.ts";
import { letterOptions } from "./options.ts";
import { configPlaces } from "./rows/find-files.ts";
import { withEndings } from "./rows/video-places.ts";
import { meanOfSubsets, subsetFigures } from "./scoring/figures.ts";
import { referenceVerdict, unscored } from "./scoring/reference-verdict.ts";

/** Where each sub-task's videos lie. */
const folders = {
  action_antonym: "ssv2_video_mp4",
  action_count: "perception/videos",
  action_localization: "sta/sta_video_segment",
  action_prediction: "star/Charades_segment",
  action_sequence: "star/Charades_segment",
  character_order: "perception/videos",
  counterfactual_inference: "clevrer/video_validation",
  egocentric_navigation: "vlnqa",
  episodic_reasoning: "tvqa/video_fps3_hq_segment",
  fine_grained_action: "Moments_in_Time_Raw/videos",
  fine_grained_pose: "nturgbd_convert",
  moving_attribute: "clevrer/video_validation",
  moving_count: "clevrer/video_validation",
  moving_direction: "clevrer/video_validation",
  object_existence: "clevrer/video_validation",
  object_interaction: "star/Charades_segment",
  object_shuffle: "perception/videos",
  scene_transition: "scene_qa/video",
  state_change: "perception/videos",
  unexpected_action: "FunQA_test/test",
} as const;

const subTasks = Object.keys(folders);
const videoFolder = (subset: string): string => folders[subset as keyof typeof folders];

/** The 20 sub-tasks with their figures; `value` is the mean of those that have one. */
export const mvbench = defineBenchmark({
  name: "mvbench",
  title: "MVBench",
  group: "generic",
  source: {
    hub: "OpenGVLab/MVBench",
    revision: "video",
    configs: subTasks,
    split: "train",
    gated: null,
    questions: 4000,
    cacheFolders: ["mvbench_video"],
  },
  task: (subset) => `mvbench_${subset}_think`,
  tables: subTasks.map((subset) => ({
    subset,
    patterns: [`json/${subset}.json`, ...configPlaces(subset, "train")],
  })),
  columns: ["video", "question", "candidates", "answer"],
  question: (fields, { subset }) => {
    const candidates = fields.texts("candidates");
    const answer = fields.text("answer");
    const same = (text: string) => text.trim().toLowerCase();
    const exact = candidates.indexOf(answer);
    const index = exact >= 0 ? exact : candidates.findIndex((text) => same(text) === same(answer));
    const options = letterOptions(candidates);
    const names = withEndings(fields.text("video"), [".mp4", ".webm", ".avi"]);
    const folder = videoFolder(subset as string);
    return {
      question: fields.text("question"),
      options,
      optionTexts: candidates,
      gold: options[index]?.letter ?? null,
      type: "choice",
      categories: { sub_task: subset as string },
      videoPlaces: ["", "video/", "data0613/"].flatMap((root) =>
        names.map((video) => `${root}${folder}/${video}`),
      ),
      // What the name of TVQA's folder says.
      picturesPerSecond: 3,
      target: answer,
    };
  },
  reference: (question, output) =>
    question.optionTexts.includes(question.target)
      ? referenceVerdict(question, output)
      : unscored("the answer is no candidate, where the released code fails"),
  logged: ({ gold, doc }, { text }) => {
    const answer = extractAnswer(text ?? "");
    const score = gold !== null && mvBenchLetter(answer) === mvBenchLetter(gold) ? 1 : 0;
    return { fields: { mvbench_accuracy: { pred_answer: answer, gt_answer: gold, score } }, doc };
  },
  summary: (scored, pick) => meanOfSubsets(scored, pick, { count: subTasks.length, noun: "sub-tasks" }),
  released: (scored) => {
    const figures = subsetFigures(scored, ({ score }) => score.reference);
    return {
      released: Object.fromEntries(Object.entries(figures).map(([name, { value }]) => [name, value ?? 0])),
    };
  },
});
