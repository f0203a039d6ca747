/** The HTTP interface: the OpenAI protocol over any model of ours. */

export { type App, type AppOptions, createApp } from "./create-app.ts";
export { HttpError } from "./http-error.ts";
export { type RunningServer, type ServerOptions, startServer } from "./start-server.ts";
