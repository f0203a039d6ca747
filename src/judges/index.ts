/** What reads text and decides, and what says how alike two texts are. */

export { type Embedder, similarity } from "./embedder.ts";
export type {
  Attention,
  EqualityInput,
  Judge,
  Judged,
  JudgedConsistency,
  JudgeInput,
  JudgeUsage,
} from "./judge.ts";
export {
  type Consistency,
  type ConsistencyQuestion,
  type ConsistencyVerdict,
  judgeConsistency,
} from "./rules-judge.ts";
