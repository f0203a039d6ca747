/** The numbers that the paper's authors print, so that ours can stand beside them. */

/** What is printed of a model, each from 0 to 100, by the name of the benchmark in the order of the tables. */
export interface PublishedModel {
  model: string;
  /** Whether it is one that reasons before it answers. */
  reasons: boolean;
  accuracy: Readonly<Record<string, number>>;
  /** Among right answers, the share whose reasoning is right too; see `docs/metrics.md`. Null where none is printed. */
  tac: Readonly<Record<string, number>> | null;
  /** Judged attention to the video, times ten; null where none is printed. */
  vas: Readonly<Record<string, number>> | null;
}

/** A figure's averages as printed: over the five generic benchmarks, the six of reasoning, all eleven. */
export interface PublishedAverages {
  generic: number;
  reasoning: number;
  overall: number;
}

/** A row of the paper's ablation. */
export interface PublishedStep {
  method: string;
  accuracy: PublishedAverages;
  tac: PublishedAverages | null;
  vas: PublishedAverages | null;
}

/** Published figures and where they stand. */
export interface PublishedResults {
  source: string;
  /** In the order of the table of accuracies; the authors' own model is the last. */
  models: readonly PublishedModel[];
  /** Plain means of accuracies as printed, rounded to one decimal, by model. */
  averages: Readonly<Record<string, PublishedAverages>>;
  ablation: readonly PublishedStep[];
}

const order = [
  ...["mvbench", "videomme", "tempcompass", "mlvu", "longvideobench"],
  ...["videomathqa", "video_mmmu", "mmvu", "vsibench", "minerva", "scivideobench"],
];

/** A printed row: eleven figures in the order of the tables. */
const row = (figures: string): Record<string, number> =>
  Object.fromEntries(figures.split(" ").map((figure, i) => [order[i] as string, Number(figure)]));

const averages = (generic: number, reasoning: number, overall: number): PublishedAverages => ({
  ...{ generic, reasoning, overall },
});

const plain = (model: string, accuracy: string): PublishedModel => ({
  ...{ model, reasons: false, accuracy: row(accuracy), tac: null, vas: null },
});

const reasoning = (model: string, accuracy: string, tac: string, vas: string): PublishedModel => ({
  ...{ model, reasons: true, accuracy: row(accuracy), tac: row(tac), vas: row(vas) },
});

/**
 * The tables and heat maps of Video-R2's repository. Which aggregate of VSI-Bench and which TAC are meant is not said
 * there. Printed so: an overall VAS of 61.5 for SFT with GRPO, where its 75.8 and 61.5 give 68.0.
 */
export const published: PublishedResults = {
  source: "github.com/mbzuai-oryx/Video-R2 at c9e6743, tables of the README; arXiv 2511.23478",
  models: [
    plain("LLaVA-OV", "56.7 58.2 67.2 63.7 56.3 20.7 33.9 54.7 32.4 31.6 18.8"),
    plain("InternVL2.5", "72.0 64.2 70.0 68.9 60.0 24.3 48.6 60.8 38.9 36.6 22.8"),
    plain("Qwen2.5-VL", "68.1 66.1 74.2 67.9 61.3 26.7 50.3 67.2 37.7 35.3 16.4"),
    plain("PerceptionLM", "77.1 58.3 72.7 66.2 60.9 22.1 39.9 56.5 34.3 35.6 18.9"),
    plain("InternVL3", "75.4 66.3 72.2 71.2 58.8 29.1 50.3 66.1 42.1 34.1 29.4"),
    reasoning(
      "Video-R1",
      "65.1 64.3 73.5 67.7 57.6 23.6 47.0 64.0 37.8 33.9 26.8",
      "77.2 82.2 86.0 77.8 75.6 64.7 79.5 85.0 51.7 67.4 62.7",
      "56.8 55.8 72.6 47.3 33.2 27.6 32.6 51.5 43.5 47.9 36.2",
    ),
    reasoning(
      "VideoChat-R1",
      "63.6 64.1 74.5 62.5 54.3 24.3 52.0 64.8 33.0 33.8 26.5",
      "70.7 79.5 79.3 80.4 79.8 68.9 81.4 90.4 73.9 67.3 73.6",
      "59.4 60.5 77.6 53.9 34.8 27.2 29.7 65.3 41.3 43.7 44.6",
    ),
    reasoning(
      "VideoChat-R1.5",
      "65.7 64.8 73.9 65.3 53.6 26.4 50.0 67.0 36.1 33.7 25.8",
      "69.1 82.4 80.5 82.1 85.1 67.9 82.7 92.5 75.2 68.6 74.3",
      "59.1 62.9 74.7 52.2 34.7 29.7 31.1 60.8 42.5 51.4 39.5",
    ),
    reasoning(
      "VideoRFT",
      "64.8 64.1 73.8 66.6 57.0 25.2 48.1 66.7 38.5 34.0 25.7",
      "79.0 85.4 86.3 86.7 83.4 66.4 83.5 87.4 71.4 74.7 69.9",
      "71.3 74.1 82.9 64.6 56.2 39.0 40.9 69.7 53.1 63.8 52.9",
    ),
    reasoning(
      "Video-R2",
      "67.5 63.8 74.9 68.3 59.2 28.8 50.8 67.4 39.4 34.9 28.4",
      "82.4 86.6 88.3 86.1 85.1 63.7 84.6 90.2 78.4 75.1 77.3",
      "76.5 80.1 86.1 78.7 73.2 39.6 49.1 72.5 74.2 73.4 60.5",
    ),
  ],
  averages: {
    "LLaVA-OV": averages(60.6, 32.0, 45.0),
    "InternVL2.5": averages(67.0, 38.7, 51.6),
    "Qwen2.5-VL": averages(67.5, 38.9, 51.9),
    PerceptionLM: averages(67.0, 34.5, 49.3),
    InternVL3: averages(68.8, 41.9, 54.1),
    "Video-R1": averages(65.6, 38.8, 51.0),
    "VideoChat-R1": averages(63.8, 39.1, 50.3),
    "VideoChat-R1.5": averages(64.7, 39.8, 51.1),
    VideoRFT: averages(65.3, 39.7, 51.3),
    "Video-R2": averages(66.7, 41.6, 53.0),
  },
  ablation: [
    { method: "Qwen2.5-VL (no reasoning)", accuracy: averages(67.5, 38.9, 51.9), tac: null, vas: null },
    {
      method: "Qwen2.5-VL (CoT)",
      accuracy: averages(59.6, 37.0, 47.3),
      tac: averages(63.2, 49.1, 55.5),
      vas: averages(53.2, 36.9, 44.3),
    },
    {
      method: "+ SFT",
      accuracy: averages(60.9, 38.8, 48.9),
      tac: averages(96.5, 97.1, 96.8),
      vas: averages(76.8, 63.7, 69.7),
    },
    {
      method: "+ SFT + GRPO",
      accuracy: averages(65.9, 41.0, 52.3),
      tac: averages(82.9, 71.6, 76.8),
      vas: averages(75.8, 61.5, 61.5),
    },
    {
      method: "+ SFT + GRPO + TAR",
      accuracy: averages(66.5, 41.2, 52.7),
      tac: averages(83.0, 72.9, 77.5),
      vas: averages(78.4, 62.9, 69.9),
    },
    {
      method: "+ SFT + GRPO + TAR with gate",
      accuracy: averages(66.7, 41.6, 53.0),
      tac: averages(85.7, 78.2, 81.6),
      vas: averages(78.9, 61.5, 69.4),
    },
  ],
};
