/**
 * The reference's accuracy of one output, benchmark by benchmark: what its lmms-eval tasks parse out of the
 * output and compare with the gold answer.
 */

import { referenceAnswer as extractAnswer } from "../../trace/index.ts";
import {
  anchoredLetter,
  firstCapital,
  longVideoBenchLetter,
  mmmuChoice,
  mmmuNoAnswer,
  mvBenchLetter,
  sciVideoLetterOrDraw,
  vsiToken,
} from "./answer-parsers.ts";
import { mmmuOpen, mmmuOpenCorrect } from "./mmmu-open.ts";
import { float, letters, strip } from "./python.ts";
import { relativeAccuracy } from "./relative-accuracy.ts";

/** What the reference's scorers look at. */
export interface ReferenceScoringInput {
  /** The whole model output. */
  output: string;
  /** The gold answer as the benchmark has it; a letter where there are options. */
  gold: string;
  /** Texts of the options in order, without letters; none for an open question. */
  options: readonly string[];
  /** A number in [0, 1) for the two benchmarks that draw where they find nothing; they are unscored without. */
  random?: (() => number) | undefined;
}

/** What was read out of the output, and its score; null with a reason where the reference has none. */
export type ReferenceScore = {
  parsed: string | readonly (string | number)[];
} & ({ score: number; reason?: undefined } | { score: null; reason: string });

type Scorer = (input: ReferenceScoringInput) => ReferenceScore;

const compare = (parsed: string, gold: string): ReferenceScore => ({
  parsed,
  score: parsed === gold ? 1 : 0,
});

const firstCapitalOf =
  (set: string): Scorer =>
  ({ output, gold }) =>
    compare(firstCapital(extractAnswer(output), set), gold);
const anchored: Scorer = ({ output, gold }) => compare(anchoredLetter(extractAnswer(output)), gold);

const mvbench: Scorer = ({ output, gold }) => {
  const answer = extractAnswer(output);
  // An empty answer leaves the denominator.
  if (answer === "") return { parsed: "", score: null, reason: "the answer is empty" };
  return compare(mvBenchLetter(answer), mvBenchLetter(gold));
};

const mmvu: Scorer = ({ output, gold, options }) => {
  const answer = extractAnswer(output);
  const text = options[gold.charCodeAt(0) - 65];
  if (text !== undefined && strip(text) === strip(answer)) return { parsed: answer, score: 1 };
  return compare(firstCapital(answer, "ABCDE"), gold);
};

const videoMmmu: Scorer = ({ output, gold, options }) => {
  const answer = extractAnswer(output);
  const parsed = options.length > 0 ? mmmuChoice(answer, options) : mmmuOpen(answer);
  if (parsed === mmmuNoAnswer) return { parsed, score: null, reason: "the answer is empty" };
  if (typeof parsed === "string") return compare(parsed, gold);
  return { parsed, score: mmmuOpenCorrect(gold, parsed) ? 1 : 0 };
};

const vsibench: Scorer = ({ output, gold, options }) => {
  const parsed = vsiToken(extractAnswer(output));
  if (options.length > 0) return { parsed, score: parsed.toLowerCase() === gold.toLowerCase() ? 1 : 0 };
  const score = relativeAccuracy(float(parsed), float(gold), "lmms");
  return score === null
    ? { parsed, score, reason: "the gold number is 0, where the reference fails" }
    : { parsed, score };
};

const drawn =
  (parse: (answer: string, input: ReferenceScoringInput, random: () => number) => string): Scorer =>
  (input) => {
    const answer = extractAnswer(input.output);
    let drew = false;
    const parsed = parse(answer, input, () => {
      drew = true;
      return input.random ? input.random() : 0;
    });
    if (drew && !input.random)
      return { parsed: "", score: null, reason: "no letter was found and there is no seed to draw one" };
    return compare(parsed, strip(input.gold));
  };

/** The reference's scorer of each benchmark, by the name it has in the names of log files. */
export const referenceScorers: Readonly<Record<string, Scorer>> = {
  mvbench,
  videomme: firstCapitalOf("ABCD"),
  tempcompass: anchored,
  mlvu: anchored,
  longvideobench: drawn((answer, { options }, random) =>
    longVideoBenchLetter(answer, letters(options.length), random),
  ),
  videomathqa: firstCapitalOf("ABCDE"),
  video_mmmu: videoMmmu,
  mmvu,
  vsibench,
  minerva: firstCapitalOf("ABCDE"),
  scivideobench: drawn((answer, _input, random) => sciVideoLetterOrDraw(answer, random)),
};

/**
 * Scores an output as the reference does for that benchmark.
 *
 * @throws RangeError for a benchmark it does not have
 */
export function scoreAsReference(benchmark: string, input: ReferenceScoringInput): ReferenceScore {
  const scorer = referenceScorers[benchmark];
  if (!scorer)
    throw new RangeError(
      `benchmark: must be one of ${Object.keys(referenceScorers).join(", ")}, got ${benchmark}`,
    );
  return scorer(input);
}
