/** Asking models about videos, and checking what they say. */

export { type AskRequest, type AskResult, ask } from "./ask.ts";
export { looksSynthetic } from "./looks-synthetic.ts";
