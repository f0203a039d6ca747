/** Asking models about videos, and checking what they say. */

export { type AskRequest, type AskResult, ask } from "./ask.ts";
export {
  evaluateHeldOut,
  type HeldOutOptions,
  type HeldOutResult,
  type HeldOutSummary,
  type Share,
  scoreRow,
  summariseHeldOut,
} from "./held-out.ts";
export { looksSynthetic } from "./looks-synthetic.ts";
