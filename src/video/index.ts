/** Video: opening files, sampling frames by index, drawing on them, patches for the model, and writing MP4. */

export { drawSubtitle, subtitleAt } from "./draw-subtitles.ts";
export { clockTime, drawTimestamp } from "./draw-timestamp.ts";
export { encodeJpeg, encodePng } from "./encode-jpeg.ts";
export { type EncodeOptions, encodeVideo } from "./encode-video.ts";
export type { VideoBackend } from "./libav.ts";
export { type OpenOptions, openVideo } from "./open-video.ts";
export { type SamplingOptions, sampleIndices } from "./sample-indices.ts";
export {
  type PreparedVideo,
  prepareVideo,
  type SampledVideo,
  type SampleOptions,
  sampleVideo,
} from "./sample-video.ts";
export { type ResizeOptions, smartResize } from "./smart-resize.ts";
export { type Cue, formatSrt, parseSubtitles, readSubtitles } from "./subtitles.ts";
export { type Patches, type PatchOptions, toPatches } from "./to-patches.ts";
export type { Frame, FrameOptions, SubtitleTrack, Video, VideoInfo } from "./video.ts";
