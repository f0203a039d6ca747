/** The numbers that the paper's authors print for their model, so that ours can stand beside them. */

/** What is printed for one benchmark, each from 0 to 100. */
export interface PublishedFigures {
  accuracy: number;
  /** Among right answers, the share whose reasoning is right too; see `docs/metrics.md`. */
  tac: number;
  /** Judged attention to the video, times ten. */
  vas: number;
}

/** Published figures and where they stand. */
export interface PublishedResults {
  model: string;
  source: string;
  /** By the name of the benchmark, in the order of the tables. */
  benchmarks: Readonly<Record<string, PublishedFigures>>;
  /** Plain means as printed, rounded to one decimal. */
  averages: {
    /** Over all eleven. */
    accuracy: number;
    /** Over the five generic ones. */
    accuracyGeneric: number;
    /** Over the six of reasoning. */
    accuracyReasoning: number;
    tac: number;
    vas: number;
  };
}

const row = (accuracy: number, tac: number, vas: number): PublishedFigures => ({ accuracy, tac, vas });

/** Video-R2 (7B) as its repository prints it. Which aggregate of VSI-Bench and which TAC are meant is not said there. */
export const published: PublishedResults = {
  model: "Video-R2",
  source: "github.com/mbzuai-oryx/Video-R2 at c9e6743, tables of the README; arXiv 2511.23478",
  benchmarks: {
    mvbench: row(67.5, 82.4, 76.5),
    videomme: row(63.8, 86.6, 80.1),
    tempcompass: row(74.9, 88.3, 86.1),
    mlvu: row(68.3, 86.1, 78.7),
    longvideobench: row(59.2, 85.1, 73.2),
    videomathqa: row(28.8, 63.7, 39.6),
    video_mmmu: row(50.8, 84.6, 49.1),
    mmvu: row(67.4, 90.2, 72.5),
    vsibench: row(39.4, 78.4, 74.2),
    minerva: row(34.9, 75.1, 73.4),
    scivideobench: row(28.4, 77.3, 60.5),
  },
  averages: { accuracy: 53.0, accuracyGeneric: 66.7, accuracyReasoning: 41.6, tac: 81.6, vas: 69.4 },
};
