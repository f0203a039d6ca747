/** VideoMathQA (arXiv 2506.05349), multiple choice: mathematics taught or shown in a video. */

import { letterBenchmark } from "./letter-benchmark.ts";
import { configPlaces, splitPlaces } from "./rows/find-files.ts";

/** Figures by length and by category. */
export const videomathqa = letterBenchmark({
  name: "videomathqa",
  title: "VideoMathQA",
  source: {
    hub: "MBZUAI/VideoMathQA",
    revision: null,
    configs: ["mcq"],
    split: "test",
    gated: null,
    questions: 420,
    cacheFolders: ["videomathqa"],
  },
  task: "videomathqa_mcq_think",
  patterns: [...configPlaces("mcq", "test"), ...splitPlaces("test")],
  columns: ["videoID", "question_id", "category", "question", "options", "answer", "length"],
  endings: [".MP4", ".mkv"],
  metric: "videomathqa_perception_score",
  categories: [
    ...["Geometry Angle", "Geometry Area", "Geometry Length", "Chart", "Statistics", "Arithmetic"],
    ...["Topology", "Graph Theory", "Counting", "Puzzle"],
  ],
});
