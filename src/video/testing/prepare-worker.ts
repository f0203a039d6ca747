/** A worker thread that prepares videos, as training uses it. */

import { serveWorker } from "../../base/index.ts";
import { prepareVideo, type SampleOptions } from "../sample-video.ts";

serveWorker(({ path, options }: { path: string; options: SampleOptions }) => prepareVideo(path, options));
