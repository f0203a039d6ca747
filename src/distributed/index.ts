/** Training on a cluster: our recipes, data and rewards with ms-swift's engine. */

export { type SwiftStep, swiftStep } from "./follow-log.ts";
export { inspectPython, type PythonEnvironment, pins } from "./python-environment.ts";
export { type ClipSource, type RenderedClip, renderClip } from "./render-clip.ts";
export { type SwiftRows, type SwiftRowsOptions, swiftRow, writeSwiftRows } from "./swift-rows.ts";
export {
  type ClusterPlace,
  clusterPlace,
  planSwift,
  runSwift,
  type SwiftEvent,
  type SwiftPlan,
  type SwiftResult,
  type SwiftRunOptions,
} from "./swift-run.ts";
export {
  type SwiftPlace,
  type SwiftSettings,
  type SwiftValue,
  swiftGrpo,
  swiftSft,
} from "./swift-settings.ts";
