/**
 * The reference's two summaries of consistency, field by field and with its names: one per run
 * (`tacRunSummary`), one over runs (`summarizeTac`). Here a row that could not be judged counts as wrong.
 */

/** One row as the reference's scripts judge it: the logged answer, the parsed answer, the reasoning. */
export interface TacRow {
  /** Whether the logged answer is right. */
  lmms: boolean;
  /** Whether what the judge read out of the answer is right. */
  answer: boolean;
  /** Whether what the judge read out of the reasoning is right. */
  thinking: boolean;
  /** VSI-Bench: scores from 0 to 1 in the place of right and wrong, for the three accuracies. */
  scores?: { lmms: number; answer: number; thinking: number };
  /** Video-MMMU and MMVU: whether the row has options. */
  choice?: boolean;
}

/** `summary.json` of one run. */
export interface TacRunSummary {
  n_total: number;
  n_mcq?: number;
  n_open_ended?: number;
  lmms_eval_accuracy: number;
  answer_parsed_accuracy: number;
  thinking_parsed_accuracy: number;
  answer_to_thinking_correlation: number;
  lmms_eval_correct?: number;
  lmms_eval_total?: number;
  answer_parsed_correct?: number;
  answer_parsed_total?: number;
  thinking_parsed_correct?: number;
  thinking_parsed_total?: number;
  /** `lmms1_ans1_think0` to its count, only those that occur. */
  combinations: Record<string, number>;
  discrepancies?: {
    answer_correct_thinking_wrong: number;
    answer_wrong_thinking_correct: number;
    lmms_vs_answer_mismatch: number;
  };
  mra_params?: { start: number; end: number; interval: number; boolean_threshold: string };
}

const share = (count: number, n: number) => (n > 0 ? count / n : 0);
const key = ({ lmms, answer, thinking }: TacRow) => `lmms${+lmms}_ans${+answer}_think${+thinking}`;

function countCombinations(rows: readonly TacRow[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const row of rows) counts.set(key(row), (counts.get(key(row)) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * The summary of one run.
 *
 * @param kind `choice` as most benchmarks; `mixed` for Video-MMMU and MMVU, which count open questions too;
 *   `vsi` for VSI-Bench, whose accuracies are means of scores
 */
export function tacRunSummary(
  rows: readonly TacRow[],
  kind: "choice" | "mixed" | "vsi" = "choice",
): TacRunSummary {
  const n = rows.length;
  const count = (test: (row: TacRow) => boolean) => rows.filter(test).length;
  const total = (part: "lmms" | "answer" | "thinking") =>
    rows.reduce((sum, row) => sum + (kind === "vsi" && row.scores ? row.scores[part] : +row[part]), 0);
  const correct = {
    lmms: count((r) => r.lmms),
    answer: count((r) => r.answer),
    thinking: count((r) => r.thinking),
  };
  const choices = count((r) => r.choice !== false);
  const mixed = kind === "mixed";
  return {
    n_total: n,
    ...(mixed ? { n_mcq: choices, n_open_ended: n - choices } : {}),
    lmms_eval_accuracy: share(total("lmms"), n),
    answer_parsed_accuracy: share(total("answer"), n),
    thinking_parsed_accuracy: share(total("thinking"), n),
    answer_to_thinking_correlation: share(
      count((r) => r.answer === r.thinking),
      n,
    ),
    ...(kind === "vsi"
      ? {}
      : {
          lmms_eval_correct: correct.lmms,
          ...(mixed ? { lmms_eval_total: n } : {}),
          answer_parsed_correct: correct.answer,
          ...(mixed ? { answer_parsed_total: n } : {}),
          thinking_parsed_correct: correct.thinking,
          ...(mixed ? { thinking_parsed_total: n } : {}),
        }),
    combinations: countCombinations(rows),
    ...(kind === "vsi"
      ? { mra_params: { start: 0.5, end: 0.95, interval: 0.05, boolean_threshold: "5% rel. error for NA" } }
      : {
          discrepancies: {
            answer_correct_thinking_wrong: count((r) => r.answer && !r.thinking),
            answer_wrong_thinking_correct: count((r) => !r.answer && r.thinking),
            lmms_vs_answer_mismatch: count((r) => r.lmms !== r.answer),
          },
        }),
  };
}

/** What `summarizeTac` computes for one data set; null where the reference gives null. */
export interface TacDatasetSummary {
  lmms_eval_accuracy: number | null;
  answer_parsed_accuracy: number | null;
  thinking_parsed_accuracy: number | null;
  answer_to_thinking_correlation: number | null;
  consistency_score: number | null;
  signed_disagreement: number | null;
  signed_disagreement_mixer: number | null;
  disagreement_rate: number | null;
  mixer_magnitude: number | null;
  consistency_error: number | null;
  /** The figure that the paper prints as TAC, 0 to 1. */
  consistency_accuracy: number | null;
}

const averaged = [
  "consistency_score",
  "answer_to_thinking_correlation",
  "signed_disagreement",
  "signed_disagreement_mixer",
  "disagreement_rate",
  "mixer_magnitude",
  "consistency_error",
  "consistency_accuracy",
] as const;

/** The summary over runs. */
export interface TacSummary {
  overall: { num_datasets: number; mixer_hyperparams: { alpha: number; gamma: number } } & {
    [K in (typeof averaged)[number] as `average_${K}`]: number | null;
  };
  datasets: Record<string, TacDatasetSummary>;
}

interface Confusion {
  tp: number;
  tn: number;
  fp: number;
  fn: number;
  n: number;
}

function confusionOf(combinations: Record<string, number>): Confusion | null {
  const sum = (part: string) =>
    Object.entries(combinations).reduce((s, [k, v]) => s + (k.toLowerCase().includes(part) ? v : 0), 0);
  const [tp, tn] = [sum("ans1_think1"), sum("ans0_think0")];
  const [fp, fn] = [sum("ans0_think1"), sum("ans1_think0")];
  const n = tp + tn + fp + fn;
  return n === 0 ? null : { tp, tn, fp, fn, n };
}

const numberOrNull = (value: unknown) => (typeof value === "number" ? value : null);
const squareExactly = (x: number, power: number) => (power === 2 ? x * x : x ** power);

/** How both summaries weigh agreement: `alpha` of the bent penalty `1 - corr^gamma`, the rest of `1 - corr`. */
export interface MixerOptions {
  /** In 0..1, default 0.7. */
  alpha?: number;
  /** Above 1, default 2. */
  gamma?: number;
}

/** One data set of `summarizeTac`, from the summary of its run; fields that are missing count as null. */
export function tacDatasetSummary(
  run: Partial<TacRunSummary>,
  { alpha = 0.7, gamma = 2 }: MixerOptions = {},
): TacDatasetSummary {
  const a = numberOrNull(run.answer_parsed_accuracy);
  const t = numberOrNull(run.thinking_parsed_accuracy);
  const correlation = numberOrNull(run.answer_to_thinking_correlation);
  const c = confusionOf(run.combinations ?? {});
  const sign =
    c && (a !== null && t !== null ? Math.sign(t - a) : Math.sign((c.tp + c.fp) / c.n - (c.tp + c.fn) / c.n));
  const observed = correlation ?? (c && (c.tp + c.tn) / c.n);
  const agreement = observed === null ? null : Math.max(0, Math.min(1, observed));
  const mixer =
    agreement === null ? null : alpha * (1 - squareExactly(agreement, gamma)) + (1 - alpha) * (1 - agreement);
  const right = c ? c.tp + c.fn : 0;
  return {
    lmms_eval_accuracy: numberOrNull(run.lmms_eval_accuracy),
    answer_parsed_accuracy: a,
    thinking_parsed_accuracy: t,
    answer_to_thinking_correlation: correlation,
    consistency_score: a !== null && t !== null && a > 0 && t > 0 ? (t - a) / Math.min(a, t) : null,
    signed_disagreement: c && sign !== null ? (sign * (c.fp + c.fn)) / c.n : null,
    signed_disagreement_mixer: sign !== null && mixer !== null ? sign * mixer : null,
    disagreement_rate: c && (c.fp + c.fn) / c.n,
    mixer_magnitude: mixer,
    consistency_error: c && right > 0 ? c.fn / right : null,
    consistency_accuracy: c && right > 0 ? c.tp / right : null,
  };
}

/**
 * The summary over runs: every data set, and the unweighted averages over those that have a number.
 *
 * @param runs summary by data set name (`tacDatasetName`), the newest of each
 */
export function summarizeTac(
  runs: Record<string, Partial<TacRunSummary>>,
  options: MixerOptions = {},
): TacSummary {
  const names = Object.keys(runs).sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1));
  const datasets = Object.fromEntries(
    names.map((name) => [name, tacDatasetSummary(runs[name] ?? {}, options)] as const),
  );
  const average = (field: (typeof averaged)[number]) => {
    const values = Object.values(datasets).flatMap((d) => d[field] ?? []);
    return values.length > 0 ? values.reduce((x, y) => x + y, 0) / values.length : null;
  };
  const averages = Object.fromEntries(averaged.map((field) => [`average_${field}`, average(field)]));
  return {
    overall: {
      num_datasets: names.length,
      ...averages,
      mixer_hyperparams: { alpha: options.alpha ?? 0.7, gamma: options.gamma ?? 2 },
    } as TacSummary["overall"],
    datasets,
  };
}

/** The name of a data set by the folder of its run: `..._samples_mlvu_dev_think` is `mlvu_dev`. */
export function tacDatasetName(folder: string): string {
  const withoutThink = (name: string) => (name.endsWith("_think") ? name.slice(0, -6) : name);
  const last = /samples_([^/]+?)(?:_think)?$/.exec(folder)?.[1];
  if (last) return withoutThink(last);
  return /^(.*?)_think/.exec(folder)?.[1] ?? folder;
}
