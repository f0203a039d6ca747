/** From what a container says and what its packets show to VideoInfo with its warnings; shared by both backends. */

import { UsageError } from "../base/index.ts";
import type { Orientation } from "./filter-description.ts";
import type { VideoBackend } from "./libav.ts";
import type { PacketIndex } from "./packet-index.ts";
import type { SubtitleTrack, VideoInfo } from "./video.ts";

/** What a backend reads from the container's header about the video stream. */
export interface StreamFacts {
  readonly path: string;
  readonly backend: VideoBackend;
  readonly container: string;
  readonly codec: string;
  /** As coded, before rotation. */
  readonly width: number;
  readonly height: number;
  readonly orientation: Orientation;
  /** Seconds per unit of the stream's times. */
  readonly timeUnit: number;
  /** Mean frames per second as the container says; 0 where it does not. */
  readonly averageFps: number;
  /** Duration that the header promises for this stream, or for the whole file; 0 where unknown. */
  readonly promisedSeconds: number;
  readonly subtitleTracks: readonly SubtitleTrack[];
}

/** VideoInfo whose warnings can still grow. */
export interface OpenInfo extends VideoInfo {
  readonly warnings: string[];
}

/**
 * Puts the facts together.
 *
 * @throws UsageError `video-unreadable` if there is no frame
 */
export function summarize(facts: StreamFacts, index: PacketIndex): OpenInfo {
  const frameCount = index.pts.length;
  if (frameCount === 0) throw unreadable(facts.path, "must hold at least one frame, got none");
  if (!(facts.width > 0 && facts.height > 0))
    throw unreadable(facts.path, "must have a picture size, got none");
  const span = ((index.times.at(-1) ?? 0) - (index.times[0] ?? 0)) * facts.timeUnit;
  const countedFps = span > 0 ? (frameCount - 1) / span : 0;
  // The header's rate is the one other readers use, unless it is plainly wrong.
  const trusted =
    facts.averageFps > 0 && (countedFps === 0 || Math.abs(facts.averageFps / countedFps - 1) < 0.2);
  const fps = trusted ? facts.averageFps : countedFps || 25;
  // Readers guess the last frame's duration in different ways; it counts only where it is clearly a longer one.
  const last = index.lastDuration * facts.timeUnit;
  const durationSeconds =
    index.times.length === 0 ? frameCount / fps : span + (last > 2 / fps ? last : 1 / fps);
  const turned = facts.orientation.rotation % 180 === 90;
  const warnings: string[] = [];
  if (durationSeconds < 0.9 * facts.promisedSeconds) {
    warnings.push(
      `the file holds ${durationSeconds.toFixed(1)} of the ${facts.promisedSeconds.toFixed(1)} seconds its header promises; it may be cut off`,
    );
  }
  if (index.corrupt > 0) {
    warnings.push(`${index.corrupt} of ${index.packets} packets are marked as damaged`);
  }
  return {
    path: facts.path,
    durationSeconds,
    frameCount,
    fps,
    width: turned ? facts.height : facts.width,
    height: turned ? facts.width : facts.height,
    rotation: facts.orientation.rotation,
    codec: facts.codec,
    container: facts.container,
    backend: facts.backend,
    warnings,
    subtitleTracks: facts.subtitleTracks,
  };
}

/** Seconds since the first frame of the frame at `position` in the index. */
export function frameSeconds(facts: StreamFacts, index: PacketIndex, position: number, fps: number): number {
  const time = index.times[position];
  return time === undefined ? position / fps : (time - (index.times[0] ?? 0)) * facts.timeUnit;
}

/** Seconds of a Matroska `DURATION` tag (`00:00:10.377000000`), or 0. */
export function taggedSeconds(tag: string | null | undefined): number {
  const match = /^(\d+):(\d\d):(\d\d(?:\.\d+)?)$/.exec(tag ?? "");
  return match ? Number(match[1]) * 3600 + Number(match[2]) * 60 + Number(match[3]) : 0;
}

/** The error for a file that gives no frames. */
export function unreadable(path: string, rule: string, cause?: unknown): UsageError {
  return new UsageError(
    "video-unreadable",
    `video ${path}: ${rule}`,
    "check that the file is a complete video; `ffprobe FILE` shows what it holds",
    { cause },
  );
}

/** The warning for frames that are left out, or undefined if there are none. */
export function missingWarning(missing: readonly number[], asked: number): string | undefined {
  if (missing.length === 0) return undefined;
  const some = missing.slice(0, 8).join(", ");
  return `${missing.length} of ${asked} frames could not be decoded and are left out: ${some}${missing.length > 8 ? ", ..." : ""}`;
}

/** The warning for decoding errors in more than 5 % of the frames decoded, or undefined. */
export function damageWarning(damaged: number, decoded: number): string | undefined {
  if (damaged <= 0.05 * decoded) return undefined;
  return `${damaged} of ${decoded} decoded frames have errors; the picture may be wrong there`;
}

/** A language tag, or undefined where it says that the language is unknown. */
export function languageTag(tag: string | null | undefined): string | undefined {
  return tag && tag !== "und" ? tag : undefined;
}

/** The error for a text track that is not there. */
export function noSuchTrack(info: VideoInfo): UsageError {
  const tracks = info.subtitleTracks.map((track) => track.index).join(", ");
  return new UsageError(
    "subtitles-missing",
    `video ${info.path}: must hold the text track asked for, got tracks [${tracks}]`,
  );
}

/** The error for a video whose packets are there but give no picture. */
export function undecodable(path: string, codec: string, cause?: unknown): UsageError {
  return new UsageError(
    "video-undecodable",
    `video ${path}: its ${codec} data must decode to at least one of the frames asked for, got none`,
    "the file is damaged, or its codec is not supported",
    { cause },
  );
}
