/** What an opened video is: the interface that both decoders, node-av and the ffmpeg program, implement. */

import type { VideoBackend } from "./libav.ts";
import type { Cue } from "./subtitles.ts";

/** One decoded frame, resized. */
export interface Frame {
  /** Position among the file's shown frames, from 0, in order of presentation. */
  readonly index: number;
  /** Presentation time in seconds since the first frame. */
  readonly seconds: number;
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** RGB24, `height * width * 3` bytes, row by row. */
  readonly data: Uint8Array;
}

/** A text track inside the file. */
export interface SubtitleTrack {
  /** Number of the stream in the file. */
  readonly index: number;
  /** FFmpeg's name: `mov_text`, `subrip`, `webvtt`, `ass`, `text`. */
  readonly codec: string;
  /** As tagged in the file, such as `eng`. */
  readonly language: string | undefined;
}

/** What is known of a video once it is opened. */
export interface VideoInfo {
  readonly path: string;
  /** From the first frame to the end of the last one. */
  readonly durationSeconds: number;
  /** Frames that can be asked for, indices 0 to `frameCount - 1`; counted, not taken from the header. */
  readonly frameCount: number;
  /** Mean frames per second, as the container says, or counted where it does not. */
  readonly fps: number;
  /** In pixels, as shown (after rotation); the pixel aspect ratio is ignored, as the Python readers do. */
  readonly width: number;
  /** In pixels, as shown (after rotation). */
  readonly height: number;
  /** Clockwise turn that shows the picture upright: 0, 90, 180 or 270; already applied to frames. */
  readonly rotation: number;
  /** FFmpeg's name of the codec, such as `h264`. */
  readonly codec: string;
  /** FFmpeg's names of the container, such as `mov,mp4,m4a,3gp,3g2,mj2`. */
  readonly container: string;
  readonly backend: VideoBackend;
  /** What is wrong with the file though it can be read, as sentences; reading frames may add to it. */
  readonly warnings: readonly string[];
  readonly subtitleTracks: readonly SubtitleTrack[];
}

/** How frames are delivered. */
export interface FrameOptions {
  /** In pixels; default: as in the file. */
  width?: number;
  /** In pixels; default: as in the file. */
  height?: number;
  /**
   * Resize in float32 exactly as torchvision's antialiased bicubic does, some ten times slower; default false:
   * FFmpeg's zscale with the same kernel, which differs by 1 in a few pixels of a hundred.
   */
  exact?: boolean;
  /** Decoder threads; default as many as there are cores, at most 4, and 1 for pictures up to 320x240. */
  threads?: number;
}

/** An opened video. */
export interface Video {
  readonly info: VideoInfo;
  /**
   * Decodes frames, one at a time, so that memory does not grow with their number. A frame that is damaged
   * beyond decoding is left out, with a warning in `info.warnings`; no frame ever stands in for another.
   *
   * @param indices strictly ascending, each from 0 to `frameCount - 1`
   * @throws UsageError `video-frames` on bad indices or sizes, `video-undecodable` if not one frame comes
   */
  frames(indices: readonly number[], options?: FrameOptions): AsyncIterable<Frame>;
  /**
   * Cues of a text track, times in seconds since the first frame.
   *
   * @param track number of the stream; default the first text track
   * @throws UsageError `subtitles-missing` if there is no such track
   */
  subtitles(track?: number): Promise<Cue[]>;
  /** Frees the file and the decoder. */
  close(): Promise<void>;
}
