/**
 * Writes H.264 MP4 files whose bytes depend on the input alone: one encoder thread, no dates, no version tags
 * of the muxer, colours converted here in integers. Key frames stand at a fixed distance. No audio.
 */

import { rename, rm, writeFile } from "node:fs/promises";
import { messageOf, UsageError } from "../base/index.ts";
import { noBackendError, startProgram, writeToProgram } from "./ffmpeg-cli.ts";
import { type Libav, loadLibav, type VideoBackend } from "./libav.ts";
import { rgbToYuv420 } from "./rgb-to-yuv.ts";
import { type Cue, flattenCues, formatSrt } from "./subtitles.ts";

/** How a video is written. */
export interface EncodeOptions {
  /** In pixels, even, 16 to 8192. */
  width: number;
  /** In pixels, even, 16 to 8192. */
  height: number;
  /** Frames per second, above 0, at most 1000; 29.97, 23.976 and 59.94 become the exact fractions. */
  fps: number;
  /** x264's constant rate factor, 0 (lossless) to 51 (worst); default 20. */
  crf?: number;
  /** x264's preset; default `veryfast`. */
  preset?: string;
  /** Seconds between key frames; default 2. Shorter makes seeking faster and the file bigger. */
  keyframeSeconds?: number;
  /** Written into the file as a text track (mov_text). */
  subtitles?: readonly Cue[];
  /** Default: node-av where it is installed, else the `ffmpeg` program. */
  backend?: VideoBackend;
}

/**
 * Writes RGB24 frames as an H.264 MP4 file (4:2:0, BT.601, tagged so). The same input gives the same bytes with
 * the same build of x264. The file appears under its name only when it is complete.
 *
 * @param path of the file to write; its folder must exist
 * @param frames each `width * height * 3` bytes; an array may be reused for the next frame
 * @throws UsageError `video-options` on a bad size, rate or frame, `video-unwritable`, `video-backend-missing`
 */
export async function encodeVideo(
  path: string,
  frames: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  options: EncodeOptions,
): Promise<void> {
  checkOptions(options);
  const libav = options.backend === "ffmpeg" ? undefined : await loadLibav();
  if (!libav && options.backend === "node-av") throw noBackendError();
  const partial = `${path}.${process.pid}-${counter++}.partial`;
  try {
    const yuv = toYuv(frames, options);
    await (libav ? encodeInProcess(libav, partial, yuv, options) : encodeByProgram(partial, yuv, options));
    await rename(partial, path);
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    throw new UsageError(
      "video-unwritable",
      `video ${path}: must be writable, got ${messageOf(cause)}`,
      undefined,
      { cause },
    );
  } finally {
    await rm(partial, { force: true });
  }
}

/**
 * A frame rate as a fraction: whole numbers, multiples of 1000/1001, and otherwise thousandths, or where these are
 * too coarse (a few frames of a long video) millionths.
 *
 * @param fps above 0
 */
export function frameRateFraction(fps: number): { num: number; den: number } {
  if (Number.isInteger(fps)) return { num: fps, den: 1 };
  const ntsc = Math.round((fps * 1001) / 1000);
  if (ntsc > 0 && Math.abs((ntsc * 1000) / 1001 - fps) < 0.005) return { num: ntsc * 1000, den: 1001 };
  const parts = Math.abs(Math.round(fps * 1000) / 1000 - fps) < 1e-9 ? 1000 : 1e6;
  const num = Math.max(1, Math.round(fps * parts));
  const divisor = greatestCommonDivisor(num, parts);
  return { num: num / divisor, den: parts / divisor };
}

let counter = 0;

function checkOptions({ width, height, fps, crf = 20 }: EncodeOptions): void {
  const bad = (what: string) => {
    throw new UsageError("video-options", what);
  };
  for (const [name, value] of [
    ["width", width],
    ["height", height],
  ] as const) {
    if (!Number.isInteger(value) || value % 2 !== 0 || value < 16 || value > 8192) {
      bad(`video ${name}: must be an even whole number from 16 to 8192, got ${value}`);
    }
  }
  if (!(fps > 0 && fps <= 1000)) bad(`video fps: must be above 0 and at most 1000, got ${fps}`);
  if (!(crf >= 0 && crf <= 51)) bad(`video crf: must be from 0 to 51, got ${crf}`);
}

/** Yields the frames converted, in one array that is reused. */
async function* toYuv(
  frames: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  { width, height }: EncodeOptions,
) {
  const yuv = Buffer.alloc((width * height * 3) / 2);
  let count = 0;
  for await (const rgb of frames) {
    if (rgb.length !== width * height * 3) {
      throw new UsageError(
        "video-options",
        `video frame ${count}: must be ${width}x${height}x3 = ${width * height * 3} bytes, got ${rgb.length}`,
      );
    }
    rgbToYuv420(rgb, width, height, yuv);
    count++;
    yield yuv;
  }
  if (count === 0) throw new UsageError("video-options", "video frames: must be at least one, got none");
}

/**
 * x264's own options. A fixed key frame distance makes seeking predictable. `mbtree` is off because it reads
 * memory that was never written (core 165): with it, the second file of a process differs from the first.
 */
function x264Parameters(options: EncodeOptions): string {
  const distance = Math.max(1, Math.round((options.keyframeSeconds ?? 2) * options.fps));
  return `threads=1:lookahead-threads=1:sliced-threads=0:keyint=${distance}:min-keyint=${distance}:scenecut=0:mbtree=0`;
}

async function encodeInProcess(
  libav: Libav,
  path: string,
  frames: AsyncIterable<Buffer>,
  options: EncodeOptions,
): Promise<void> {
  const { c } = libav;
  const { width, height } = options;
  const rate = frameRateFraction(options.fps);
  const timeBase = new libav.Rational(rate.den, rate.num);
  const check = (code: number, doing: string) => libav.FFmpegError.throwIfError(code, doing);

  const output = new libav.FormatContext();
  check(output.allocOutputContext2(null, "mp4", path), "mp4");
  output.setFlags(c.AVFMT_FLAG_BITEXACT);
  const encoder = new libav.CodecContext();
  const packet = new libav.Packet();
  packet.alloc();
  try {
    const codec = libav.Codec.findEncoderByName(
      "libx264" as Parameters<typeof libav.Codec.findEncoderByName>[0],
    );
    if (!codec) throw new Error("this build of node-av has no libx264");
    encoder.allocContext3(codec);
    encoder.width = width;
    encoder.height = height;
    encoder.pixelFormat = c.AV_PIX_FMT_YUV420P;
    encoder.timeBase = timeBase;
    encoder.framerate = new libav.Rational(rate.num, rate.den);
    encoder.sampleAspectRatio = new libav.Rational(1, 1);
    encoder.colorSpace = c.AVCOL_SPC_SMPTE170M;
    encoder.colorPrimaries = c.AVCOL_PRI_SMPTE170M;
    encoder.colorTrc = c.AVCOL_TRC_SMPTE170M;
    encoder.colorRange = c.AVCOL_RANGE_MPEG;
    encoder.threadCount = 1;
    encoder.setFlags(c.AV_CODEC_FLAG_GLOBAL_HEADER, c.AV_CODEC_FLAG_BITEXACT);
    const set = (target: Parameters<typeof libav.Option.set>[0], name: string, value: string) =>
      check(libav.Option.set(target, name, value, c.AV_OPT_SEARCH_CHILDREN), name);
    // Options are set one by one: node-av 6.1 corrupts memory when open2Sync is given a Dictionary.
    set(encoder.getNative(), "preset", options.preset ?? "veryfast");
    set(encoder.getNative(), "crf", String(options.crf ?? 20));
    set(encoder.getNative(), "x264-params", x264Parameters(options));
    check(encoder.open2Sync(codec), "libx264");

    const stream = output.newStream();
    stream.timeBase = timeBase;
    stream.avgFrameRate = encoder.framerate;
    check(stream.codecpar.fromContext(encoder), "codec parameters");
    const text = options.subtitles?.length ? addTextTrack(libav, output) : undefined;
    check(await output.openOutput(), "open");
    set(output.getNative(), "movflags", "+faststart");
    check(output.writeHeaderSync(), "header");

    const drain = () => {
      for (;;) {
        const code = encoder.receivePacketSync(packet);
        if (code === c.AVERROR_EAGAIN || code === c.AVERROR_EOF) return;
        check(code, "encode");
        packet.streamIndex = stream.index;
        // Without a duration the last frame would have none.
        packet.duration = 1n;
        packet.rescaleTs(timeBase, stream.timeBase);
        check(output.interleavedWriteFrameSync(packet), "write");
      }
    };
    let index = 0n;
    for await (const data of frames) {
      const frame = new libav.Frame();
      fillFrame(libav, frame, data, options);
      frame.pts = index++;
      frame.timeBase = timeBase;
      frame.colorRange = c.AVCOL_RANGE_MPEG;
      frame.colorSpace = c.AVCOL_SPC_SMPTE170M;
      const code = encoder.sendFrameSync(frame);
      frame.free();
      check(code, "encode");
      drain();
    }
    check(encoder.sendFrameSync(null), "encode");
    drain();
    if (text) {
      for (const cue of flattenCues(options.subtitles ?? [])) {
        const words = Buffer.from(cue.text, "utf8");
        const data = Buffer.alloc(words.length + 2);
        data.writeUInt16BE(words.length);
        words.copy(data, 2);
        packet.data = data;
        packet.pts = BigInt(Math.round(cue.startSeconds * 1000));
        packet.dts = packet.pts;
        packet.duration = BigInt(Math.round((cue.endSeconds - cue.startSeconds) * 1000));
        packet.setFlags(c.AV_PKT_FLAG_KEY);
        packet.streamIndex = text.index;
        packet.rescaleTs({ num: 1, den: 1000 }, text.timeBase);
        check(output.interleavedWriteFrameSync(packet), "write subtitles");
      }
    }
    check(output.writeTrailerSync(), "trailer");
    await output.closeOutput();
  } finally {
    packet.free();
    encoder.freeContext();
    output.freeContext();
  }
}

/** Copies planes into a frame's own buffers; `Frame.fromVideoBuffer` would only point at `data`, which is reused. */
function fillFrame(
  libav: Libav,
  frame: InstanceType<Libav["Frame"]>,
  data: Buffer,
  { width, height }: EncodeOptions,
): void {
  frame.alloc();
  frame.width = width;
  frame.height = height;
  frame.format = libav.c.AV_PIX_FMT_YUV420P;
  libav.FFmpegError.throwIfError(frame.getBuffer(0), "frame");
  const planes = frame.data ?? [];
  const strides = frame.linesize;
  let at = 0;
  for (let p = 0; p < 3; p++) {
    const [rowBytes, rows] = p === 0 ? [width, height] : [width >> 1, height >> 1];
    const plane = planes[p] as Buffer;
    // x264 reads into the padding of rows: left as it was, it would make the bytes differ from run to run.
    plane.fill(0);
    for (let row = 0; row < rows; row++, at += rowBytes) {
      data.copy(plane, row * (strides[p] ?? 0), at, at + rowBytes);
    }
  }
}

function addTextTrack(libav: Libav, output: InstanceType<Libav["FormatContext"]>) {
  const { c } = libav;
  const stream = output.newStream();
  stream.timeBase = new libav.Rational(1, 1000);
  stream.codecpar.codecType = c.AVMEDIA_TYPE_SUBTITLE;
  stream.codecpar.codecId = c.AV_CODEC_ID_MOV_TEXT;
  stream.codecpar.codecTag = "tx3g";
  stream.codecpar.extradata = sampleEntry();
  return stream;
}

/** The body of a `tx3g` sample entry (3GPP TS 26.245, 5.16): white 18 point text at the bottom, font "Serif". */
function sampleEntry(): Buffer {
  const name = "Serif";
  const entry = Buffer.alloc(43 + name.length);
  let at = entry.writeUInt32BE(0); // display flags
  at = entry.writeInt8(1, at); // centred
  at = entry.writeInt8(-1, at); // at the bottom
  at = entry.writeUInt32BE(0, at); // background RGBA
  at += 8; // text box
  at += 4; // style: characters from, to
  at = entry.writeUInt16BE(1, at); // font identifier
  at = entry.writeUInt8(0, at); // face
  at = entry.writeUInt8(18, at); // size
  at = entry.writeUInt32BE(0xffffffff, at); // text RGBA
  at = entry.writeUInt32BE(8 + 2 + 2 + 1 + name.length, at);
  at += entry.write("ftab", at, "latin1");
  at = entry.writeUInt16BE(1, at);
  at = entry.writeUInt16BE(1, at);
  at = entry.writeUInt8(name.length, at);
  entry.write(name, at, "latin1");
  return entry;
}

async function encodeByProgram(
  path: string,
  frames: AsyncIterable<Buffer>,
  options: EncodeOptions,
): Promise<void> {
  const rate = frameRateFraction(options.fps);
  const cues = flattenCues(options.subtitles ?? []);
  const subtitles = `${path}.srt`;
  if (cues.length > 0) await writeFile(subtitles, formatSrt(cues));
  const started = startProgram("ffmpeg", [
    ...[
      "-v",
      "error",
      "-y",
      "-f",
      "rawvideo",
      "-pix_fmt",
      "yuv420p",
      "-s",
      `${options.width}x${options.height}`,
    ],
    ...[
      "-color_range",
      "tv",
      "-colorspace",
      "smpte170m",
      "-color_primaries",
      "smpte170m",
      "-color_trc",
      "smpte170m",
    ],
    ...["-r", `${rate.num}/${rate.den}`, "-i", "pipe:0"],
    ...(cues.length > 0 ? ["-i", subtitles, "-map", "0:v", "-map", "1:s", "-c:s", "mov_text"] : []),
    ...["-c:v", "libx264", "-preset", options.preset ?? "veryfast", "-crf", String(options.crf ?? 20)],
    ...["-threads", "1", "-x264-params", x264Parameters(options), "-pix_fmt", "yuv420p"],
    ...[
      "-color_range",
      "tv",
      "-colorspace",
      "smpte170m",
      "-color_primaries",
      "smpte170m",
      "-color_trc",
      "smpte170m",
    ],
    ...["-flags:v", "+bitexact", "-fflags", "+bitexact", "-movflags", "+faststart", "-f", "mp4", path],
  ]);
  try {
    for await (const data of frames) await writeToProgram(started, Buffer.from(data));
    started.process.stdin?.end();
    const { code, stderr } = await started.done;
    if (code !== 0) throw new Error(`ffmpeg exit code ${code}: ${stderr.trim()}`);
  } finally {
    started.process.kill();
    await rm(subtitles, { force: true });
  }
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
