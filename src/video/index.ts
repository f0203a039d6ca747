/** Video: opening files, sampling frames by index, drawing on them, patches for the model, and writing MP4. */

export { type EncodeOptions, encodeVideo } from "./encode-video.ts";
export type { VideoBackend } from "./libav.ts";
export { type Cue, formatSrt, parseSubtitles, readSubtitles } from "./subtitles.ts";
