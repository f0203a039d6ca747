/** The worker thread that draws videos. */

import { serveWorker } from "../../base/index.ts";
import { type DrawJob, drawVideo } from "./draw-video.ts";

serveWorker<DrawJob, void>(drawVideo);
