/**
 * Video by the system's `ffmpeg` and `ffprobe`: the same index, the same filter graph and so the same bytes as
 * node-av, by decoding the file from its beginning and selecting frames by their exact presentation time.
 *
 * Left out: seeking. One process per key frame interval was measured to be no faster than decoding all.
 */

import { availableParallelism } from "node:os";
import { UsageError } from "../base/index.ts";
import { runProgram, type Started, startProgram } from "./ffmpeg-cli.ts";
import { filterDescription, orientationOf } from "./filter-description.ts";
import { checkRequest } from "./frame-requests.ts";
import { indexPackets, type PacketEntry, type PacketIndex } from "./packet-index.ts";
import { createResizer } from "./resize.ts";
import { type Cue, parseSubtitles } from "./subtitles.ts";
import type { Frame, FrameOptions, Video } from "./video.ts";
import {
  damageWarning,
  frameSeconds,
  languageTag,
  missingWarning,
  noSuchTrack,
  type OpenInfo,
  type StreamFacts,
  summarize,
  taggedSeconds,
  undecodable,
  unreadable,
} from "./video-summary.ts";

/** What ffprobe prints about a stream, as far as it is used. */
interface ProbedStream {
  index: number;
  codec_type?: string;
  codec_name?: string;
  width?: number;
  height?: number;
  time_base?: string;
  avg_frame_rate?: string;
  r_frame_rate?: string;
  duration?: string;
  nb_frames?: string;
  bit_rate?: string;
  disposition?: Record<string, number>;
  tags?: Record<string, string>;
  side_data_list?: { side_data_type?: string; displaymatrix?: string }[];
}

const textCodecs = new Set(["mov_text", "subrip", "webvtt", "ass", "text"]);

/**
 * Opens a file with ffprobe.
 *
 * @throws UsageError `video-unreadable`, `video-backend-missing`
 */
export async function openWithFfmpeg(path: string): Promise<Video> {
  const probe = await runProgram("ffprobe", [
    ...["-v", "error", "-of", "json", "-show_streams", "-show_format", "-i", `file:${path}`],
  ]);
  const parsed = parseProbe(probe.stdout);
  if (probe.code !== 0 || !parsed) {
    const reason = probe.stderr.trim().split("\n").at(-1)?.replace(`file:${path}: `, "");
    throw unreadable(path, `must be a video file, got: ${reason || "no answer from ffprobe"}`);
  }
  const stream = bestStream(path, parsed.streams);
  const facts = readFacts(path, parsed, stream);
  const index = indexPackets(await readPackets(path, stream.index));
  return new FfmpegVideo(facts, index, stream.index);
}

function parseProbe(text: string): { streams: ProbedStream[]; format: Record<string, unknown> } | undefined {
  try {
    const parsed = JSON.parse(text) as { streams?: ProbedStream[]; format?: Record<string, unknown> };
    return { streams: parsed.streams ?? [], format: parsed.format ?? {} };
  } catch {
    return undefined;
  }
}

/**
 * The stream that `av_find_best_stream` picks: by disposition, then by whether it has at least five frames, then
 * by bit rate, then the first one. (ffmpeg's own default goes by picture size and may differ.)
 */
function bestStream(path: string, streams: readonly ProbedStream[]): ProbedStream {
  const score = (s: ProbedStream) => {
    const flags = s.disposition ?? {};
    const impaired = flags.hearing_impaired === 1 || flags.visual_impaired === 1;
    return [
      (impaired ? 0 : 1) + (flags.default ?? 0),
      Math.min(5, Number(s.nb_frames ?? 5)),
      Number(s.bit_rate ?? 0),
    ];
  };
  const better = (a: readonly number[], b: readonly number[]) => {
    const at = a.findIndex((value, i) => value !== b[i]);
    return at >= 0 && (a[at] ?? 0) > (b[at] ?? 0);
  };
  const videos = streams.filter((s) => s.codec_type === "video");
  const [first] = videos;
  const best = videos.reduce<ProbedStream | undefined>(
    (a, b) => (a && better(score(b), score(a)) ? b : a),
    first,
  );
  if (!best || best.disposition?.attached_pic) throw unreadable(path, "must hold a video stream, got none");
  return best;
}

function readFacts(
  path: string,
  probe: { streams: readonly ProbedStream[]; format: Record<string, unknown> },
  stream: ProbedStream,
): StreamFacts {
  const matrix = stream.side_data_list?.find((data) => data.displaymatrix !== undefined)?.displaymatrix;
  const duration = Number(stream.duration ?? 0) || taggedSeconds(stream.tags?.DURATION);
  return {
    path,
    backend: "ffmpeg",
    container: String(probe.format.format_name ?? "unknown"),
    codec: stream.codec_name ?? "unknown",
    width: stream.width ?? 0,
    height: stream.height ?? 0,
    orientation: orientationOf(matrix === undefined ? undefined : displayMatrix(matrix)),
    timeUnit: fraction(stream.time_base),
    averageFps: fraction(stream.avg_frame_rate) || fraction(stream.r_frame_rate),
    promisedSeconds: duration || Number(probe.format.duration ?? 0) || 0,
    subtitleTracks: probe.streams
      .filter((s) => s.codec_type === "subtitle" && textCodecs.has(s.codec_name ?? ""))
      .map((s) => ({ index: s.index, codec: s.codec_name ?? "", language: languageTag(s.tags?.language) })),
  };
}

function fraction(text: string | undefined): number {
  const [num, den] = (text ?? "0/0").split("/").map(Number);
  return num && den ? num / den : 0;
}

/** ffprobe prints the matrix as three lines, `00000000: 0 65536 0`. */
function displayMatrix(text: string): number[] {
  return text
    .split("\n")
    .filter((line) => line.includes(":"))
    .flatMap((line) => (line.split(":")[1] ?? "").trim().split(/\s+/).map(Number));
}

async function readPackets(path: string, stream: number): Promise<PacketEntry[]> {
  const probe = await runProgram("ffprobe", [
    ...["-v", "error", "-select_streams", String(stream), "-of", "compact=p=0"],
    ...["-show_entries", "packet=pts,dts,duration,flags", "-i", `file:${path}`],
  ]);
  const entries: PacketEntry[] = [];
  for (const line of probe.stdout.split("\n")) {
    const field = (name: string) => new RegExp(`(?:^|\\|)${name}=([^|]*)`).exec(line)?.[1];
    const flags = field("flags");
    if (flags === undefined) continue;
    const duration = Number(field("duration") ?? 0);
    entries.push({
      pts: Number(field("pts") ?? Number.NaN),
      dts: Number(field("dts") ?? Number.NaN),
      key: flags.includes("K"),
      discard: flags.includes("D"),
      corrupt: flags.includes("C"),
      duration: Number.isFinite(duration) ? duration : 0,
    });
  }
  return entries;
}

/** What this machine's ffmpeg can do, asked once. */
interface Abilities {
  /** It has the zscale filter (libzimg). */
  zscale: boolean;
  /** The option that turns off frame rate conversion: older than 5.1 knows only `-vsync`. */
  passthrough: readonly string[];
}

let abilities: Promise<Abilities> | undefined;

async function askAbilities(): Promise<Abilities> {
  const { stdout, stderr } = await runProgram("ffmpeg", ["-filters"]);
  const version = /^ffmpeg version n?(\d+)\.(\d+)/m.exec(`${stdout}\n${stderr}`);
  const old = version !== null && Number(version[1]) * 100 + Number(version[2]) < 501;
  return {
    zscale: /\bzscale\b/.test(stdout),
    passthrough: old ? ["-vsync", "passthrough"] : ["-fps_mode", "passthrough"],
  };
}

class FfmpegVideo implements Video {
  readonly info: OpenInfo;
  readonly #facts: StreamFacts;
  readonly #index: PacketIndex;
  readonly #streamIndex: number;
  readonly #running = new Set<Started>();

  constructor(facts: StreamFacts, index: PacketIndex, streamIndex: number) {
    this.info = summarize(facts, index);
    this.#facts = facts;
    this.#index = index;
    this.#streamIndex = streamIndex;
  }

  async *frames(indices: readonly number[], options: FrameOptions = {}): AsyncGenerator<Frame> {
    const request = checkRequest(this.info, indices, options);
    if (indices.length === 0) return;
    abilities ??= askAbilities();
    const { zscale, passthrough } = await abilities;
    const own = request.size !== undefined && (request.exact || !zscale);
    const resizer =
      own && request.size
        ? createResizer(this.info.width, this.info.height, request.size.width, request.size.height)
        : undefined;
    const shown = own ? { width: this.info.width, height: this.info.height } : (request.size ?? this.info);
    const description = filterDescription(this.#facts.orientation, own ? undefined : request.size);
    const started = startProgram("ffmpeg", [
      ...["-hide_banner", "-nostdin", "-nostats", "-loglevel", "level+info", "-noautorotate", "-copyts"],
      ...[
        "-threads",
        String(options.threads ?? Math.min(4, availableParallelism())),
        "-i",
        `file:${this.info.path}`,
      ],
      ...[
        "-map",
        `0:${this.#streamIndex}`,
        "-vf",
        `select='${this.#selection(indices)}',${description},showinfo=checksum=0`,
      ],
      ...[...passthrough, "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"],
    ]);
    this.#running.add(started);
    const log = new FrameLog(started);
    const wanted = new Map(indices.map((index) => [this.#index.pts[index] as number, index]));
    const delivered = new Set<number>();
    try {
      let count = 0;
      for await (const data of pictures(started, shown.width * shown.height * 3)) {
        const pts = await log.time(count);
        const index = this.#index.counted ? indices[count] : wanted.get(pts);
        count++;
        if (index === undefined || delivered.has(index)) continue;
        delivered.add(index);
        const { width, height } = request.size ?? shown;
        const seconds = frameSeconds(this.#facts, this.#index, index, this.info.fps);
        yield { index, seconds, width, height, data: resizer ? resizer(data) : data };
      }
      const { code, stderr } = await started.done;
      if (delivered.size === 0)
        throw undecodable(this.info.path, this.info.codec, code === 0 ? undefined : stderr);
      this.#warn(indices, delivered, log.damaged);
    } finally {
      this.#running.delete(started);
      started.process.kill("SIGKILL");
    }
  }

  async subtitles(track?: number): Promise<Cue[]> {
    const index = track ?? this.info.subtitleTracks[0]?.index;
    if (index === undefined || !this.info.subtitleTracks.some((t) => t.index === index)) {
      throw noSuchTrack(this.info);
    }
    const { code, stdout, stderr } = await runProgram("ffmpeg", [
      ...["-v", "error", "-nostdin", "-copyts", "-i", `file:${this.info.path}`, "-map", `0:${index}`],
      ...["-f", "srt", "pipe:1"],
    ]);
    if (code !== 0) throw new UsageError("subtitles-unreadable", `video ${this.info.path}: ${stderr.trim()}`);
    if (stdout.trim() === "") return [];
    const start = (this.#index.times[0] ?? 0) * this.#facts.timeUnit;
    return parseSubtitles(stdout).map((cue) => ({
      startSeconds: cue.startSeconds - start,
      endSeconds: cue.endSeconds - start,
      text: cue.text,
    }));
  }

  async close(): Promise<void> {
    for (const started of this.#running) started.process.kill("SIGKILL");
  }

  /**
   * An expression that is true for the frames wanted. The sum is nested as a balanced tree: ffmpeg's parser
   * fails on a flat sum of more than 100 terms.
   */
  #selection(indices: readonly number[]): string {
    const terms = indices.map((index) =>
      this.#index.counted ? `eq(n,${index})` : `eq(pts,${this.#index.pts[index]})`,
    );
    const sum = (from: number, to: number): string => {
      if (to - from === 1) return terms[from] ?? "0";
      const middle = (from + to) >> 1;
      return `(${sum(from, middle)}+${sum(middle, to)})`;
    };
    return sum(0, terms.length);
  }

  #warn(indices: readonly number[], delivered: ReadonlySet<number>, damaged: number): void {
    const add = (text: string | undefined) => {
      if (text !== undefined && !this.info.warnings.includes(text)) this.info.warnings.push(text);
    };
    add(
      missingWarning(
        indices.filter((index) => !delivered.has(index)),
        indices.length,
      ),
    );
    add(damageWarning(damaged, this.info.frameCount));
  }
}

/** Splits a program's standard output into pictures of `bytes` bytes, each in an array of its own. */
async function* pictures(started: Started, bytes: number): AsyncGenerator<Uint8Array> {
  let picture = new Uint8Array(bytes);
  let filled = 0;
  for await (const chunk of started.process.stdout ?? []) {
    let rest = chunk as Buffer;
    while (rest.length > 0) {
      const part = rest.subarray(0, bytes - filled);
      picture.set(part, filled);
      filled += part.length;
      rest = rest.subarray(part.length);
      if (filled === bytes) {
        yield picture;
        picture = new Uint8Array(bytes);
        filled = 0;
      }
    }
  }
}

/** Reads ffmpeg's log: the presentation time of each frame that left the filter graph, and decoding errors. */
class FrameLog {
  /** Frames in which the decoder had to invent parts. */
  damaged = 0;
  readonly #times: number[] = [];
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(started: Started) {
    let rest = "";
    started.process.stderr?.on("data", (chunk: string) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#read(line);
      this.#wake?.();
    });
    const end = () => {
      this.#ended = true;
      this.#wake?.();
    };
    started.done.then(end, end);
  }

  /** The presentation time of the `count`-th frame, waiting for its line; NaN if the log ended without it. */
  async time(count: number): Promise<number> {
    while (this.#times.length <= count && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#times[count] ?? Number.NaN;
  }

  #read(line: string): void {
    const shown = /showinfo.*\bn:\s*\d+\s+pts:\s*(-?\d+|NOPTS)/.exec(line);
    if (shown) this.#times.push(Number(shown[1]));
    else if (line.includes("[error]") && line.includes("concealing")) this.damaged++;
  }
}
