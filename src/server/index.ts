/** The HTTP interfaces: the OpenAI protocol over any model of ours, and rewards for trainers. */

export { type App, type AppOptions, createApp } from "./create-app.ts";
export { HttpError } from "./http-error.ts";
export { jsonLog, type Log, type LogLevel, logLevels } from "./rewards/json-log.ts";
export type { RewardServerOptions } from "./rewards/run-reward-server.ts";
export { startRewardServer } from "./start-reward-server.ts";
export { type RunningServer, type ServerOptions, startServer } from "./start-server.ts";
