/** The thread that decodes and draws clips while the model trains. */

import { workerData } from "node:worker_threads";
import { serveWorker } from "../base/index.ts";
import { type ClipRequest, type ClipSettings, readClip } from "./clip.ts";

serveWorker((request: ClipRequest) => readClip(request, workerData as ClipSettings));
