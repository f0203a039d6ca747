/** What reads text and decides. */

export {
  type Consistency,
  type ConsistencyQuestion,
  type ConsistencyVerdict,
  judgeConsistency,
} from "./rules-judge.ts";
