/** Means, intervals, comparisons and matchings. Pure: no file, no network, runs in a browser. */

export {
  averageInterval,
  bootstrapInterval,
  type Interval,
  type IntervalOptions,
} from "./bootstrap-interval.ts";
export { type MatchedPair, maximumMatching } from "./maximum-matching.ts";
export { mean } from "./mean.ts";
export { type PairedDifference, pairedDifference } from "./paired-difference.ts";
export { type MeanInterval, studentInterval } from "./student-interval.ts";
