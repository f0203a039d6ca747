/**
 * Cases on which our `compat: "reference"` and the released code must give the same: broken and whole outputs,
 * answers of every kind, judges' replies of every quality. Same seed, same cases.
 */

import { Random } from "../../src/base/index.ts";

/** One output with what a judge says about it. */
export interface TraceCase {
  op: "trace";
  output: string;
  gold: string;
  /** The judge's reply with the claims of the reasoning. */
  claims_reply: string;
  /** The row's `temporal_grounding` as JSON. */
  grounding: string;
  /** The judge's reply on consistency. */
  judge_reply: string;
  delta: number;
  threshold: number;
}

/** One output for the parsers of the evaluation, and one reply of its judge. */
export interface ParserCase {
  op: "parsers";
  output: string;
  reply: string;
  options: string[];
  lettered: string[];
  gold: string;
  open_gold: string;
  number: [number, number];
}

/** Log rows of one run for a consistency script. */
export interface TacRunCase {
  op: "tac_run";
  script: "minerva" | "video_mmmu" | "vsibench";
  rows: Record<string, unknown>[];
}

/** Summaries of runs by folder, for the script that summarises them. */
export interface TacSummaryCase {
  op: "tac_summary";
  runs: Record<string, Record<string, unknown>>;
  alpha: number;
  gamma: number;
}

/** Judges' replies by benchmark. */
export interface VasSummaryCase {
  op: "vas_summary";
  files: Record<string, string[]>;
}

/** Any case. */
export type ParityCase = TraceCase | ParserCase | TacRunCase | TacSummaryCase | VasSummaryCase;

const nouns =
  "ball cube lamp red circle dog kettle A B Dog Cat bread door girl runs running nations generalization happily hopping ties agreed relational skies dying proceed electricity usefulness controlling yearly boats caresses".split(
    " ",
  );
const strange = [
  " ",
  "\n",
  "\t",
  "\u00a0",
  "\u2003",
  "\x1c",
  "\x85",
  "\ufeff",
  "é",
  "ß",
  "İ",
  "ſ",
  "K",
  "東",
  "😀",
  "٣",
  "१२",
  "²",
  "_",
];
const marks = [
  ".",
  ",",
  ":",
  ";",
  "!",
  "?",
  ")",
  "(",
  "-",
  "–",
  "'",
  '"',
  "/",
  "=",
  "$",
  "%",
  "€",
  "[",
  "]",
  "{",
  "}",
  "*",
  "\\",
];
const leads = [
  ...["The best answer is", "The correct answer is", "The answer is", "The answer", "The best option is"],
  ...[
    "The correct option is",
    "Best answer:",
    "Best option:",
    "Answer:",
    "Option",
    "so",
    "it is",
    "therefore",
    "in total",
  ],
];

class CaseMaker {
  readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  chance(p: number): boolean {
    return this.random.uniform() < p;
  }

  pick<T>(items: readonly T[]): T {
    return this.random.pick(items);
  }

  text(most: number): string {
    const parts: string[] = [];
    const count = this.random.integer(0, most + 1);
    for (let i = 0; i < count; i++) {
      const kind = this.random.integer(0, 12);
      if (kind < 7) parts.push(this.pick(nouns));
      else if (kind === 7) parts.push(this.pick(strange));
      else if (kind === 8) parts.push(this.pick(marks));
      else if (kind === 9) parts.push(this.number());
      else if (kind === 10) parts.push(this.letter());
      else parts.push(this.pick(leads));
    }
    return parts.join(this.pick([" ", " ", " ", "", ", ", "\n"]));
  }

  letter(): string {
    const letter = this.pick([..."ABCDEFGIKabcd"]);
    return this.pick([
      letter,
      letter,
      `(${letter})`,
      `${letter}.`,
      `${letter})`,
      `${letter}:`,
      ` ${letter} `,
      `**${letter}**`,
      `${letter}${this.pick(strange)}`,
    ]);
  }

  number(): string {
    const n = this.random.integer(0, this.pick([10, 100, 4000, 1_000_000]));
    const decimals = this.pick(["", "", ".5", ".0", ".25", ".125", ".005", ".1234", ".12345", ".", ".٣"]);
    const sign = this.pick(["", "", "", "-", "+", "$", "- "]);
    const whole = this.pick([
      String(n),
      n.toLocaleString("en-US"),
      `0${n}`,
      String(n).replace(/^./, "٣"),
      `${n}_0`,
    ]);
    return sign + whole + decimals + this.pick(["", "", "", "", "%", " cm", "e1", "e-2", "st"]);
  }

  special(): string {
    return this.pick([
      "nan",
      "inf",
      "-inf",
      "Infinity",
      "1e400",
      "1,2,3",
      "12,34",
      "1.2.3",
      "",
      " ",
      ".",
      "-",
      "½",
      "१",
      "0.125",
      "0.375",
      "2.675",
    ]);
  }

  answer(): string {
    const kind = this.random.integer(0, 10);
    if (kind < 3) return this.letter() + (this.chance(0.3) ? ` ${this.text(4)}` : "");
    if (kind < 6) return this.number();
    if (kind === 6) return this.special();
    if (kind === 7) return `${this.pick(leads)} ${this.letter()}`;
    return this.text(this.pick([3, 6, 14, 24]));
  }

  /** Like `answer`, mostly near it, so that scores between 0 and 1 occur. */
  gold(answer: string): string {
    const near = this.random.integer(0, 5);
    const gold = near < 2 ? answer : near === 2 ? this.vary(answer) : this.answer();
    return gold.replaceAll("<", "");
  }

  vary(text: string): string {
    const words = text.split(" ");
    const at = this.random.integer(0, words.length);
    if (this.chance(0.5)) words.splice(at, 1);
    else words.splice(at, 0, this.pick([...nouns, "7", ".", ","]));
    return words.join(" ");
  }

  /** An output: mostly well-formed, else with tags missing, repeated, cut off, in other cases. */
  output(answer: string): string {
    const [think, blank] = [this.text(30), this.pick(["", "\n", "\n\n", " ", "\u00a0", "\ufeff", "x"])];
    const whole = `<think>${this.pick(["", "\n", " "])}${think}</think>${blank}<answer>${this.pick(["", "\n", " "])}${answer}${this.pick(["", "\n"])}</answer>`;
    const kind = this.random.integer(0, 20);
    if (kind < 9) return whole;
    if (kind === 9) return `${whole}\n`;
    if (kind === 10) return whole.replace(this.pick(["<think>", "</think>", "<answer>", "</answer>"]), "");
    if (kind === 11) return whole.slice(0, this.random.integer(0, whole.length + 1));
    if (kind === 12) return whole + whole;
    if (kind === 13) return whole.toUpperCase();
    if (kind === 14) return whole.replaceAll("answer", "anſwer").replaceAll("think", "thınK");
    if (kind === 15) return answer;
    if (kind === 16) return `<answer>${this.letter()}</answer>${whole}`;
    if (kind === 17) return `<think>${whole}</think>\n<answer>${this.answer()}</answer>`;
    if (kind === 18) return `<think></think><answer></answer>`;
    return `${this.text(3)}${whole}`;
  }

  clock(): string {
    const s = this.random.integer(0, this.pick([12, 12, 90, 4000]));
    const pad = (n: number) => String(n).padStart(2, "0");
    const kind = this.random.integer(0, 14);
    if (kind < 7) return `${pad(Math.floor(s / 60))}:${pad(s % 60)}`;
    if (kind === 7) return `${pad(Math.floor(s / 3600))}:${pad(Math.floor(s / 60) % 60)}:${pad(s % 60)}`;
    if (kind === 8) return `${Math.floor(s / 60)}:${s % 60}.${this.pick(["5", "25", "99", "٣"])}`;
    if (kind === 9) return String(s);
    if (kind === 10) return `${s}${this.pick([".5", ".49", "+", ".", " s", "e1"])}`;
    if (kind === 11)
      return this.pick([
        "end",
        "EOF",
        "start",
        "",
        "nan",
        "1:nan",
        "inf",
        "0:inf",
        "1e400",
        "1:2:3:4",
        ":",
        "1:",
        "٠١:٢٣",
        "0_1:05",
      ]);
    return `${this.pick(strange)}${pad(Math.floor(s / 60))}:${pad(s % 60)}${this.pick(strange)}`;
  }

  key(): string {
    const kind = this.random.integer(0, 10);
    if (kind < 5) return this.clock();
    const join = this.pick(["-", "-", " - ", "–", "—", " to ", "TO", "to", "\u00a0-\u2003"]);
    if (kind < 9) return `${this.clock()}${join}${this.clock()}`;
    return this.pick([`${this.clock()}-`, `-${this.clock()}`, `${this.clock()}-1-2`, "around 5", "tomorrow"]);
  }

  claims(broken: number): string {
    const count = this.random.integer(0, 7);
    const entries = Array.from({ length: count }, () => {
      const odd = this.chance(broken / 4);
      const value = odd
        ? this.pick(["null", "0", "false", "[]", "{}", '""', '" "', "5", "true", '["x"]', "NaN", "-0.0"])
        : JSON.stringify(this.pick(["ball hits", "door opens", "girl runs", "lamp on", `${this.text(4)}x`]));
      return `${JSON.stringify(this.key())}${this.pick([":", ": "])}${value}`;
    });
    return `{${entries.join(this.pick([",", ", ", ",\n "]))}}`;
  }

  claimsReply(): string {
    const object = this.claims(0.3);
    const kind = this.random.integer(0, 20);
    if (kind < 11) return object;
    if (kind === 11) return `\`\`\`json\n${object}\n\`\`\``;
    if (kind === 12) return `${this.text(4)} ${object} ${this.text(3)}`;
    if (kind === 13) return object.slice(0, this.random.integer(0, object.length));
    if (kind === 14) return object.replace(/\}$/, ",}");
    if (kind === 15) return JSON.stringify(object);
    if (kind === 16) return `[${object}]`;
    if (kind === 17) return this.pick(["", "none", "null", "5", "{", "}{", "[]", "true", '"x"', "\ufeff{}"]);
    if (kind === 18) return `${object} and ${object}`;
    return object.replaceAll('":', '" :\u00a0');
  }

  judgeReply(): string {
    const word = this.pick([
      "TRUE",
      "FALSE",
      "True",
      "false",
      "UNTRUE",
      "not TRUE",
      "TRUE or FALSE",
      "falſe",
      "maybe",
      "",
    ]);
    return `${this.pick(["", "\n", "  ", "\x1c"])}${word}${this.pick(["", ".", "\n", "\u2028", "\x85"])}${this.text(3)}`;
  }

  trace(): TraceCase {
    const answer = this.answer();
    return {
      op: "trace",
      output: this.output(answer),
      gold: this.gold(answer),
      claims_reply: this.claimsReply(),
      grounding: this.chance(0.9) ? this.claims(0.1) : JSON.stringify(this.claims(0.1)),
      judge_reply: this.judgeReply(),
      delta: this.pick([2, 2, 2, 0, 1, 5, 1.5]),
      threshold: this.pick([0.75, 0.75, 0.5, 0.25, 0]),
    };
  }

  parsers(): ParserCase {
    const count = this.random.integer(2, 6);
    const options = Array.from({ length: count }, (_, i) => this.text(4) || `option ${i}`);
    const lettered = options.map(
      (text, i) =>
        `${this.pick(["", "("])}${String.fromCharCode((this.chance(0.9) ? 65 : 97) + i)}${this.pick([".", ")", ":", " - ", " "])} ${text}`,
    );
    const kind = this.random.integer(0, 4);
    const answer =
      kind === 0 ? this.pick(options) : kind === 1 ? `${this.text(8)} ${this.pick(options)}` : this.answer();
    const score = this.pick(["7", "8.5", "2.5", "11", "-3", '"7"', "true", "NaN", "1e400", "null", "0.5"]);
    const json = `{"score": ${score}, "rationale": "${this.pick(["sees a ball", "a } brace", "x"])}"}`;
    return {
      op: "parsers",
      output: this.chance(0.2) ? answer : this.output(answer),
      reply: this.pick([
        answer,
        this.answer(),
        this.text(12),
        json,
        `so ${json} !`,
        `${this.pick(lettered)}`,
      ]),
      options,
      lettered,
      gold: String.fromCharCode(65 + this.random.integer(0, count)),
      open_gold: this.chance(0.6) ? this.answer() : answer,
      number: [
        this.random.integer(0, 400) / this.pick([1, 2, 10, 20]),
        this.random.integer(0, 40) / this.pick([1, 2, 10]),
      ],
    };
  }

  judged(): string {
    const reply = this.pick([this.letter(), this.letter(), this.number(), this.text(3), ""]);
    return `[[${reply.replace(/[[\]]/g, "")}]]`;
  }

  tacRun(): TacRunCase {
    const script = this.pick(["minerva", "video_mmmu", "vsibench"] as const);
    const rows = Array.from({ length: this.random.integer(1, 25) }, (_, i) => {
      const texts = ["ball", "door", "lamp", "girl"];
      const letter = () => this.pick(["A", "B", "C", "D"]);
      const think = this.chance(0.9)
        ? `<think>x ${this.chance(0.6) ? `[[${letter()}]]` : this.judged()}</think>`
        : "";
      const answer = `<answer>${this.chance(0.6) ? `[[${letter()}]]` : this.judged()}</answer>`;
      const base = { doc_id: i, filtered_resps: [think + answer] };
      const options = texts.map((text, j) => `${"ABCD"[j]}. ${text}`);
      const numeric = this.chance(0.4);
      if (script === "minerva")
        return {
          ...base,
          doc: { question: "?", options, answer: letter() },
          minerva_perception_score: { pred_answer: letter() },
        };
      if (script === "vsibench")
        return {
          ...base,
          doc: {
            question: "?",
            question_type: numeric ? "object_counting" : "route_planning",
            options: numeric ? null : options,
            ground_truth: numeric ? String(this.random.integer(0, 6)) : letter(),
          },
          vsibench_score: { prediction: numeric ? String(this.random.integer(0, 6)) : letter() },
        };
      return {
        ...base,
        doc: { question: "?", options: numeric ? [] : texts, answer: numeric ? this.number() : letter() },
        mmmu_acc: { parsed_pred: numeric ? [this.number(), "x"] : letter() },
      };
    });
    return { op: "tac_run", script, rows };
  }

  tacSummary(): TacSummaryCase {
    const runs: Record<string, Record<string, unknown>> = {};
    const count = this.random.integer(1, 6);
    for (let i = 0; i < count; i++) {
      const name = this.pick([
        `x_samples_d${i}_think`,
        `20251128_samples_e${i}`,
        `f${i}_think_2025`,
        `mvbench${i}`,
      ]);
      const combinations: Record<string, number> = {};
      for (const key of [
        "lmms0_ans0_think0",
        "lmms1_ans1_think1",
        "lmms1_ans1_think0",
        "lmms0_ans0_think1",
        "lmms0_ans1_think0",
      ])
        if (this.chance(0.7)) combinations[key] = this.random.integer(0, 50);
      const part = () => this.pick([0, this.random.uniform(), this.random.uniform(), 1]);
      runs[name] = {
        ...(this.chance(0.9) ? { answer_parsed_accuracy: part(), lmms_eval_accuracy: part() } : {}),
        ...(this.chance(0.9) ? { thinking_parsed_accuracy: part() } : {}),
        ...(this.chance(0.7) ? { answer_to_thinking_correlation: part() } : {}),
        combinations,
      };
    }
    return { op: "tac_summary", runs, alpha: this.pick([0.7, 0.7, 0.2]), gamma: this.pick([2, 2, 1, 3]) };
  }

  vasSummary(): VasSummaryCase {
    const names = this.random.sample(["mlvu", "mmvu", "minerva", "videomme"], this.random.integer(1, 5));
    const reply = () =>
      this.pick([
        `{"score": ${this.random.integer(-1, 12)}, "rationale": "x"}`,
        '{"score": 6.5}',
        '{"score": 7.5}',
      ]);
    return {
      op: "vas_summary",
      files: Object.fromEntries(
        names.map((name) => [name, Array.from({ length: this.random.integer(1, 30) }, reply)]),
      ),
    };
  }
}

/** How many cases of each kind. */
export interface CaseCounts {
  traces: number;
  parsers: number;
  runs: number;
}

/** Generates cases; a case depends on the seed and its own place only. */
export function* generateCases(seed: number, counts: CaseCounts): IterableIterator<ParityCase> {
  const root = new Random(seed);
  const at = (kind: string, i: number) => new CaseMaker(root.fork(`${kind} ${i}`));
  for (let i = 0; i < counts.traces; i++) yield at("trace", i).trace();
  for (let i = 0; i < counts.parsers; i++) yield at("parsers", i).parsers();
  for (let i = 0; i < counts.runs; i++) {
    yield at("tac run", i).tacRun();
    yield at("tac summary", i).tacSummary();
    yield at("vas summary", i).vasSummary();
  }
}
