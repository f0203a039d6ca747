/** What reads text and decides, and what says how alike two texts are. */

export { claimSimilarities } from "./claim-similarities.ts";
export { type Embedder, similarity } from "./embedder.ts";
export type {
  Attention,
  EqualityInput,
  Judge,
  Judged,
  JudgedConsistency,
  JudgeInput,
  JudgeUsage,
  NumberInput,
} from "./judge.ts";
export {
  type Consistency,
  type ConsistencyQuestion,
  type ConsistencyVerdict,
  judgeConsistency,
} from "./judge-consistency.ts";
export { LexicalEmbedder } from "./lexical-embedder.ts";
export { loadPrompts, parsePrompts } from "./load-prompts.ts";
export { type EmbedderOptions, openEmbedder } from "./open-embedder.ts";
export { type JudgeOptions, openJudge } from "./open-judge.ts";
export {
  type FormPrompts,
  type JudgePrompt,
  type JudgePrompts,
  type JudgeSampling,
  judgePrompts,
} from "./prompts.ts";
export { RulesJudge } from "./rules-judge.ts";
