/**
 * Tiny editions of the benchmarks, in the layout that each has on the hub, with questions of our own making and
 * stand-ins for the videos.
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { mvbench } from "../mvbench.ts";
import { type ColumnType, writeParquet } from "./write-parquet.ts";

/** A table of an edition: Parquet where it has columns, else JSON by its ending. */
interface TinyTable {
  path: string;
  columns?: Readonly<Record<string, ColumnType>>;
  rows: readonly Readonly<Record<string, unknown>>[];
}

/** A tiny edition of a benchmark. */
export interface TinyBenchmark {
  tables: readonly TinyTable[];
  /** Paths of the videos in the folder, one for each question in the order in which they are read. */
  videos: readonly string[];
}

const lettered = ["A. red", "B. green", "C. blue", "D. white"];
const five = [...lettered, "E. black"];
const lead = ["What colour is the ball?", "Which box is opened first?", "What falls at the end?"];

const mvbenchFolders: Readonly<Record<string, string>> = {
  action_antonym: "ssv2_video_mp4",
  action_localization: "sta/sta_video_segment",
  egocentric_navigation: "vlnqa",
  episodic_reasoning: "tvqa/video_fps3_hq_segment",
  fine_grained_action: "Moments_in_Time_Raw/videos",
  fine_grained_pose: "nturgbd_convert",
  scene_transition: "scene_qa/video",
  unexpected_action: "FunQA_test/test",
  action_count: "perception/videos",
  character_order: "perception/videos",
  object_shuffle: "perception/videos",
  state_change: "perception/videos",
  action_prediction: "star/Charades_segment",
  action_sequence: "star/Charades_segment",
  object_interaction: "star/Charades_segment",
  counterfactual_inference: "clevrer/video_validation",
  moving_attribute: "clevrer/video_validation",
  moving_count: "clevrer/video_validation",
  moving_direction: "clevrer/video_validation",
  object_existence: "clevrer/video_validation",
};

const mathRows = (categories: readonly string[]) =>
  lead.map((question, i) => ({
    videoID: `clip${i}`,
    question_id: i,
    category: categories[i % categories.length],
    question,
    options: i === 2 ? five.slice(0, 2) : five,
    answer: i === 2 ? "B" : "C",
    steps: "Step 1: 00:02 the ball rolls in.",
    length: ["short", "medium", "long"][i],
  }));
const mathColumns: Readonly<Record<string, ColumnType>> = {
  ...{ videoID: "text", question_id: "int", category: "text", question: "text", options: "texts" },
  ...{ answer: "text", steps: "text", length: "text" },
};

const vsiTypes = {
  object_rel_direction_easy: "B",
  object_rel_direction_medium: "B",
  object_rel_direction_hard: "C",
  object_rel_distance: "A",
  route_planning: "D",
  obj_appearance_order: "A",
  object_abs_distance: "2.9",
  object_counting: "4",
  object_size_estimation: "228",
  room_size_estimation: "25.5",
};

const lectureColumns: Readonly<Record<string, ColumnType>> = {
  ...{ id: "text", link_selected: "text", question: "text", options: "texts", answer: "text" },
  ...{ question_type: "text", image_1: "picture" },
};
const lecture = (id: string, answer: string, type: string | null, options: readonly string[]) => ({
  id,
  link_selected: "https://example.org",
  question: `<image 1> ${lead[0]}`,
  options,
  answer,
  question_type: type,
  image_1: { bytes: new Uint8Array([1, 2, 3]), path: "1.png" },
});
const plainFive = five.map((text) => text.slice(3));

/** The editions by the name of the benchmark; `synthetic` has none, its data is generated. */
export const tinyBenchmarks: Readonly<Record<string, TinyBenchmark>> = {
  mvbench: {
    tables: mvbench.subsets.map((subset, i) => ({
      path: `json/${subset}.json`,
      rows: [
        {
          video: `v${i}.mp4`,
          question: lead[i % 3],
          candidates: ["a red ball", "a green box", "a blue ring"].slice(0, 2 + (i % 2)),
          answer: "a green box",
        },
      ],
    })),
    videos: mvbench.subsets.map((subset, i) => `${mvbenchFolders[subset]}/v${i}.mp4`),
  },
  videomme: {
    tables: [
      {
        path: "videomme/test-00000-of-00001.parquet",
        columns: {
          ...{ video_id: "text", duration: "text", domain: "text", sub_category: "text", url: "text" },
          ...{ videoID: "text", question_id: "text", task_type: "text", question: "text" },
          ...{ options: "texts", answer: "text" },
        },
        rows: lead.map((question, i) => ({
          video_id: `00${i}`,
          duration: ["short", "medium", "long"][i],
          domain: "Knowledge",
          sub_category: "Technology",
          url: "https://example.org",
          videoID: `yt-${i}`,
          question_id: `00${i}-1`,
          task_type: "Counting Problem",
          question,
          options: lettered,
          answer: "C",
        })),
      },
    ],
    videos: lead.map((_, i) => `data/yt-${i}.mp4`),
  },
  tempcompass: {
    tables: [
      {
        path: "mcq/test-00000-of-00001.parquet",
        columns: { uuid: "text", video_id: "text", question: "text", options: "texts", answer: "text" },
        rows: lead.map((question, i) => ({
          uuid: `u${i}`,
          video_id: `10${i}`,
          question,
          options: lettered.slice(0, 2 + i),
          answer: "B",
        })),
      },
    ],
    videos: lead.map((_, i) => `videos/10${i}.mp4`),
  },
  mlvu: {
    tables: [
      {
        path: "data/test-00000-of-00001.parquet",
        columns: {
          ...{ video_name: "text", duration: "float", question: "text", candidates: "texts" },
          ...{ answer: "text", task_type: "text", question_id: "text" },
        },
        rows: ["plotQA", "needle", "ego", "count", "order", "anomaly_reco", "topic_reasoning"].map(
          (task, i) => ({
            video_name: `${task}_${i}.mp4`,
            duration: 120.5 + i,
            question: `${lead[i % 3]}\n(A) red\n(B) green\n(C) blue\n(D) white\n`,
            candidates: ["red", "green", "blue", "white"],
            answer: "D",
            task_type: task,
            question_id: `Q${i}`,
          }),
        ),
      },
    ],
    videos: ["plotQA", "needle", "ego", "count", "order", "anomaly_reco", "topic_reasoning"].map(
      (task, i) => `${task}_${i}.mp4`,
    ),
  },
  longvideobench: {
    tables: [
      {
        path: "validation-00000-of-00001.parquet",
        columns: {
          ...{ video_id: "text", question: "text", question_wo_referring_query: "text" },
          ...{ option0: "text", option1: "text", option2: "text", option3: "text", option4: "text" },
          ...{ correct_choice: "int", topic_category: "text", question_category: "text", level: "text" },
          ...{ id: "text", video_path: "text", subtitle_path: "text", duration_group: "int" },
          ...{ starting_timestamp_for_subtitles: "int", duration: "float", view_count: "int" },
        },
        rows: lead.map((question, i) => ({
          video_id: `lvb${i}`,
          question,
          question_wo_referring_query: question,
          option0: "red",
          option1: "green",
          option2: "blue",
          option3: i === 0 ? "N/A" : "white",
          option4: "N/A",
          correct_choice: 1,
          topic_category: "KH-Knowledge-History",
          question_category: ["TOS", "S2E", "T2O"][i],
          level: "L2-Relation",
          id: `lvb${i}_0`,
          video_path: `lvb${i}.mp4`,
          subtitle_path: `lvb${i}_en.json`,
          duration_group: [15, 60, 600][i],
          starting_timestamp_for_subtitles: 0,
          duration: 12.5 + 100 * i,
          view_count: 10,
        })),
      },
    ],
    videos: lead.map((_, i) => `videos/lvb${i}.mp4`),
  },
  videomathqa: {
    tables: [
      {
        path: "mcq/test-00000-of-00001.parquet",
        columns: mathColumns,
        rows: mathRows(["Chart", "Counting"]),
      },
    ],
    videos: lead.map((_, i) => `videos/clip${i}.mp4`),
  },
  video_mmmu: {
    tables: [
      {
        path: "Perception/test-00000-of-00001.parquet",
        columns: lectureColumns,
        rows: [lecture("dev_Biology_3", "B", null, plainFive)],
      },
      {
        path: "Comprehension/test-00000-of-00001.parquet",
        columns: lectureColumns,
        rows: [lecture("validation_Art_Theory_7", "C", "multiple-choice", five)],
      },
      {
        path: "Adaptation/test-00000-of-00001.parquet",
        columns: lectureColumns,
        rows: [
          lecture("test_Finance_8", "E", "multiple-choice", plainFive),
          lecture("validation_Math_15", "['24/7', '3.429', '3.43]", "open", []),
        ],
      },
    ],
    videos: [
      "Science/dev_Biology_3.mp4",
      "Art/validation_Art_Theory_7.mp4",
      "Business/test_Finance_8.mp4",
      "Science/validation_Math_15.mp4",
    ],
  },
  mmvu: {
    tables: [
      {
        path: "data/validation-00000-of-00001.parquet",
        columns: {
          ...{ id: "text", video_path: "text", question_type: "text", question: "text" },
          ...{ choices: { letters: 5 }, answer: "text" },
        },
        rows: ["Chemistry", "Pharmacy", "Law"].map((subject, i) => ({
          id: `validation_${i}`,
          video_path: `videos/${subject}/${i}.mp4`,
          question_type: "multiple-choice",
          question: lead[i],
          choices: { A: "red", B: "green", C: "blue", D: "white", E: "black" },
          answer: "E",
        })),
      },
    ],
    videos: ["Chemistry", "Pharmacy", "Law"].map((subject, i) => `videos/${subject}/${i}.mp4`),
  },
  vsibench: {
    tables: [
      {
        path: "test-00000-of-00001.parquet",
        columns: {
          ...{ id: "int", dataset: "text", scene_name: "text", question_type: "text" },
          ...{ question: "text", ground_truth: "text", options: "texts" },
        },
        rows: Object.entries(vsiTypes).map(([type, truth], i) => ({
          id: i,
          dataset: "scannet",
          scene_name: `scene${i}`,
          question_type: type,
          question: lead[i % 3],
          ground_truth: truth,
          options: /^[A-D]$/.test(truth) ? lettered : null,
        })),
      },
    ],
    videos: Object.keys(vsiTypes).map((_, i) => `scannet/scene${i}.mp4`),
  },
  minerva: {
    tables: [
      {
        path: "mcq/test-00000-of-00001.parquet",
        columns: mathColumns,
        rows: mathRows(["Chess", "Tech/AI"]),
      },
    ],
    videos: lead.map((_, i) => `videos/clip${i}.mp4`),
  },
  scivideobench: {
    tables: [
      {
        path: "data/test-00000-of-00001.parquet",
        columns: {
          ...{ video_id: "text", question_id: "text", question: "text", options: { letters: 10 } },
          ...{ answer: "text", question_type: "text", discipline: "text", subject: "text" },
          ...{ category: "text", video_duration: "float" },
        },
        rows: lead.map((question, i) => ({
          video_id: `5${i}`,
          question_id: String(i),
          question,
          options: Object.fromEntries([..."ABCDEFGHIJ"].map((letter, at) => [letter, `sample ${at}`])),
          answer: "J",
          question_type: ["Conceptual", "Quantitative", "Hypothetical Reasoning"][i],
          discipline: "Chemistry",
          subject: "Nanomaterials",
          category: "Chemistry",
          video_duration: 480,
        })),
      },
    ],
    videos: lead.map((_, i) => `videos/jove_5${i}.mp4`),
  },
};

/**
 * Writes a tiny edition of a benchmark into a folder, videos included.
 *
 * @param video the content of every video; default a few bytes that are no video
 * @returns absolute paths of the videos, in the order of the questions
 */
export function writeBenchmark(
  name: string,
  folder: string,
  video: Uint8Array = new TextEncoder().encode("stand-in"),
): string[] {
  const tiny = tinyBenchmarks[name];
  if (tiny === undefined) throw new RangeError(`benchmark: there is no tiny edition of ${name}`);
  for (const { path, columns, rows } of tiny.tables) {
    const full = join(folder, path);
    if (columns !== undefined) writeParquet(full, columns, rows);
    else put(full, JSON.stringify(rows, null, 2));
  }
  const paths = tiny.videos.map((path) => join(folder, path));
  for (const path of paths) put(path, video);
  return paths;
}

function put(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}
