/**
 * Video by node-av, FFmpeg's libraries in this process: an index of packets, seeks to the key frame before each
 * frame asked for, decoding, and one filter graph for colour and size.
 *
 * Invariant: a frame is delivered only under its own presentation time. Where a seek lands behind the frame
 * wanted (MPEG-TS, intra-refresh), the file is decoded from its beginning instead.
 */

import { availableParallelism } from "node:os";
import { invariant } from "../base/index.ts";
import { filterDescription, orientationOf } from "./filter-description.ts";
import { checkRequest } from "./frame-requests.ts";
import type { Libav } from "./libav.ts";
import { indexPackets, keyBefore, type PacketEntry, type PacketIndex } from "./packet-index.ts";
import { createResizer } from "./resize.ts";
import { type Cue, plainText } from "./subtitles.ts";
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

type Input = InstanceType<Libav["FormatContext"]>;
type Decoder = InstanceType<Libav["CodecContext"]>;
type AvFrame = InstanceType<Libav["Frame"]>;
type AvStream = InstanceType<Libav["Stream"]>;

/** A picture up to this many pixels is decoded on the calling thread: a hop to another costs more than it frees. */
const smallPicture = 320 * 240;
/** Reading on past so many packets is cheaper than a seek that empties the decoder. */
const seekCost = 8;

/**
 * Opens a file with node-av.
 *
 * @throws UsageError `video-unreadable`
 */
export async function openWithNodeAv(libav: Libav, path: string): Promise<Video> {
  const input = await openInput(libav, path);
  try {
    const stream = chooseStream(libav, input, path);
    const tracks = textTracks(libav, input);
    const cues = new Map<number, Cue[]>(tracks.map((track) => [track.index, []]));
    const entries = await readPackets(libav, input, stream, cues);
    const index = indexPackets(entries);
    const facts = readFacts(libav, input, stream, path, tracks);
    return new NodeAvVideo(libav, input, facts, index, stream.index, cues);
  } catch (error) {
    await input.closeInput();
    throw error;
  }
}

async function openInput(libav: Libav, path: string): Promise<Input> {
  const input = new libav.FormatContext();
  // The prefix keeps names with a colon from being taken for a protocol.
  const opened = await input.openInput(`file:${path}`);
  if (opened < 0) throw unreadable(path, `must be a video file, got: ${libav.FFmpegError.strerror(opened)}`);
  const found = await input.findStreamInfo();
  if (found < 0) {
    await input.closeInput();
    throw unreadable(path, `must be a video file, got: ${libav.FFmpegError.strerror(found)}`);
  }
  return input;
}

function chooseStream(libav: Libav, input: Input, path: string): AvStream {
  const { c } = libav;
  const best = input.findBestStream(c.AVMEDIA_TYPE_VIDEO);
  const stream = best < 0 ? undefined : input.streams[best];
  if (!stream || stream.hasDisposition(c.AV_DISPOSITION_ATTACHED_PIC)) {
    throw unreadable(path, "must hold a video stream, got none");
  }
  for (const other of input.streams) {
    if (other.index !== stream.index) other.discard = c.AVDISCARD_ALL;
  }
  return stream;
}

function textTracks(libav: Libav, input: Input) {
  const { c } = libav;
  const names = new Map<number, string>([
    [c.AV_CODEC_ID_MOV_TEXT, "mov_text"],
    [c.AV_CODEC_ID_SUBRIP, "subrip"],
    [c.AV_CODEC_ID_WEBVTT, "webvtt"],
    [c.AV_CODEC_ID_ASS, "ass"],
    [c.AV_CODEC_ID_TEXT, "text"],
  ]);
  return input.streams.flatMap((stream) => {
    const codec = names.get(stream.codecpar.codecId);
    if (codec === undefined) return [];
    stream.discard = c.AVDISCARD_DEFAULT;
    return [{ index: stream.index, codec, language: languageTag(stream.metadata?.get("language")) }];
  });
}

/** Reads the whole file's packets, without decoding; the event loop gets its turn every thousand. */
async function readPackets(
  libav: Libav,
  input: Input,
  stream: AvStream,
  cues: ReadonlyMap<number, Cue[]>,
): Promise<PacketEntry[]> {
  const { c } = libav;
  const entries: PacketEntry[] = [];
  const packet = new libav.Packet();
  packet.alloc();
  const units = new Map(input.streams.map((s) => [s.index, s.timeBase.toDouble()]));
  try {
    for (let count = 1; ; count++) {
      if (input.readFrameSync(packet) < 0) break;
      if (packet.streamIndex === stream.index) {
        const flags = packet.flags;
        const { pts, dts } = packet;
        entries.push({
          pts: pts === c.AV_NOPTS_VALUE ? Number.NaN : Number(pts),
          dts: dts === c.AV_NOPTS_VALUE ? Number.NaN : Number(dts),
          key: (flags & c.AV_PKT_FLAG_KEY) !== 0,
          discard: (flags & c.AV_PKT_FLAG_DISCARD) !== 0,
          corrupt: (flags & c.AV_PKT_FLAG_CORRUPT) !== 0,
          duration: Number(packet.duration),
        });
      } else {
        const codec = input.streams[packet.streamIndex]?.codecpar.codecId;
        const text = packet.data && codec !== undefined ? packetText(libav, packet.data, codec) : "";
        const unit = units.get(packet.streamIndex) ?? 0;
        const startSeconds = Number(packet.pts) * unit;
        const endSeconds = startSeconds + Number(packet.duration) * unit;
        if (text !== "" && endSeconds > startSeconds) {
          cues.get(packet.streamIndex)?.push({ startSeconds, endSeconds, text });
        }
      }
      packet.unref();
      if (count % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  } finally {
    packet.free();
  }
  return entries;
}

/** The words in a packet of a text track. */
function packetText(libav: Libav, data: Buffer, codec: number): string {
  const { c } = libav;
  if (codec === c.AV_CODEC_ID_MOV_TEXT) {
    if (data.length < 2) return "";
    const length = data.readUInt16BE(0);
    const words = data.subarray(2, 2 + length);
    const encoding = words[0] === 0xfe && words[1] === 0xff ? "utf-16be" : "utf-8";
    return plainText(new TextDecoder(encoding).decode(words));
  }
  const text = data.toString("utf8").replace(/\0+$/, "");
  // ReadOrder,Layer,Style,Name,MarginL,MarginR,MarginV,Effect,Text
  const words = codec === c.AV_CODEC_ID_ASS ? text.split(",").slice(8).join(",") : text;
  return plainText(codec === c.AV_CODEC_ID_ASS ? words.replace(/\\[Nn]/g, "\n").replace(/\\h/g, " ") : words);
}

function readFacts(
  libav: Libav,
  input: Input,
  stream: AvStream,
  path: string,
  subtitleTracks: StreamFacts["subtitleTracks"],
): StreamFacts {
  const { c } = libav;
  const parameters = stream.codecpar;
  const matrix = parameters.getCodedSideData(c.AV_PKT_DATA_DISPLAYMATRIX);
  const rate = [stream.avgFrameRate, stream.rFrameRate].find((r) => r.num > 0 && r.den > 0);
  const timeUnit = stream.timeBase.toDouble();
  return {
    path,
    backend: "node-av",
    container: input.iformat?.name ?? "unknown",
    codec: libav.avGetCodecName(parameters.codecId) ?? "unknown",
    width: parameters.width,
    height: parameters.height,
    orientation: orientationOf(
      matrix && matrix.length >= 36
        ? Array.from({ length: 9 }, (_, i) => matrix.readInt32LE(i * 4))
        : undefined,
    ),
    timeUnit,
    averageFps: rate ? rate.num / rate.den : 0,
    promisedSeconds:
      stream.duration > 0n
        ? Number(stream.duration) * timeUnit
        : taggedSeconds(stream.metadata?.get("DURATION")) || Math.max(Number(input.duration) / 1e6, 0),
    subtitleTracks,
  };
}

class NodeAvVideo implements Video {
  readonly info: OpenInfo;
  readonly #libav: Libav;
  readonly #facts: StreamFacts;
  readonly #index: PacketIndex;
  readonly #streamIndex: number;
  readonly #cues: ReadonlyMap<number, Cue[]>;
  /** The open file, while no iteration uses it. */
  #idle: Input | undefined;
  #closed = false;

  constructor(
    libav: Libav,
    input: Input,
    facts: StreamFacts,
    index: PacketIndex,
    streamIndex: number,
    cues: ReadonlyMap<number, Cue[]>,
  ) {
    this.info = summarize(facts, index);
    this.#libav = libav;
    this.#idle = input;
    this.#facts = facts;
    this.#index = index;
    this.#streamIndex = streamIndex;
    this.#cues = cues;
  }

  async *frames(indices: readonly number[], options: FrameOptions = {}): AsyncGenerator<Frame> {
    const request = checkRequest(this.info, indices, options);
    if (indices.length === 0) return;
    const description = filterDescription(this.#facts.orientation, request.exact ? undefined : request.size);
    const resizer =
      request.exact && request.size
        ? createResizer(this.info.width, this.info.height, request.size.width, request.size.height)
        : undefined;
    const graph = new Graph(this.#libav, description);
    const reader = await this.#reader(indices, options);
    const missing: number[] = [];
    let delivered = 0;
    try {
      for (let at = 0; at < indices.length; at++) {
        const index = indices[at] as number;
        const decoded = await reader.frameAt(index);
        if (!decoded) {
          missing.push(index);
          continue;
        }
        const picture = await graph.run(decoded, reader.sync);
        const width = request.size?.width ?? picture.width;
        const height = request.size?.height ?? picture.height;
        delivered++;
        yield {
          index,
          seconds: frameSeconds(this.#facts, this.#index, index, this.info.fps),
          width,
          height,
          data: resizer ? resizer(picture.data) : picture.data,
        };
      }
      this.#warn(missing, delivered, reader);
    } finally {
      graph.free();
      await this.#giveBack(reader.end());
    }
  }

  async subtitles(track?: number): Promise<Cue[]> {
    const index = track ?? this.info.subtitleTracks[0]?.index;
    const cues = index === undefined ? undefined : this.#cues.get(index);
    if (!cues) throw noSuchTrack(this.info);
    const start = (this.#index.times[0] ?? 0) * this.#facts.timeUnit;
    return cues.map((cue) => ({
      startSeconds: cue.startSeconds - start,
      endSeconds: cue.endSeconds - start,
      text: cue.text,
    }));
  }

  async close(): Promise<void> {
    this.#closed = true;
    const input = this.#idle;
    this.#idle = undefined;
    await input?.closeInput();
  }

  async #reader(indices: readonly number[], options: FrameOptions): Promise<Reader> {
    const fresh = this.#idle === undefined;
    const input = this.#idle ?? (await openInput(this.#libav, this.info.path));
    this.#idle = undefined;
    if (fresh) chooseStream(this.#libav, input, this.info.path);
    const small = this.info.width * this.info.height <= smallPicture;
    const threads = options.threads ?? (small ? 1 : Math.min(4, availableParallelism()));
    const reader = new Reader(
      this.#libav,
      input,
      this.info.path,
      this.#index,
      indices,
      this.#streamIndex,
      threads,
      small,
    );
    try {
      await reader.begin(fresh);
    } catch (error) {
      await this.#giveBack(reader.end());
      throw error;
    }
    return reader;
  }

  async #giveBack(input: Input): Promise<void> {
    if (this.#idle === undefined && !this.#closed) this.#idle = input;
    else await input.closeInput();
  }

  #warn(missing: readonly number[], delivered: number, reader: Reader): void {
    if (delivered === 0) throw undecodable(this.info.path, this.info.codec);
    const add = (text: string | undefined) => {
      if (text !== undefined && !this.info.warnings.includes(text)) this.info.warnings.push(text);
    };
    add(missingWarning(missing, missing.length + delivered));
    add(damageWarning(reader.damaged, reader.decoded));
  }
}

/** Finds frames by index, seeking or decoding on, whichever is shorter. */
class Reader {
  /** Frames decoded so far. */
  decoded = 0;
  /** Of these, frames that the decoder marked as having errors. */
  damaged = 0;
  /** True if decoding runs on the calling thread. */
  readonly sync: boolean;
  readonly #libav: Libav;
  readonly #path: string;
  readonly #index: PacketIndex;
  readonly #streamIndex: number;
  readonly #threads: number;
  #input: Input;
  #decoder: Decoder | undefined;
  readonly #packet: InstanceType<Libav["Packet"]>;
  readonly #frame: AvFrame;
  /** Place in the file of the last packet read; -1 at the beginning. */
  #ordinal = -1;
  /** True once decoding runs from the beginning without seeks. */
  #linear = false;
  #atEnd = false;
  /** Frames that came out of the decoder since the beginning; only meaningful while linear. */
  #counter = -1;
  /** The frame decoded last has not been asked for yet. */
  #pending = false;
  /** Presentation times that will be asked for. */
  readonly #wanted: ReadonlySet<number>;
  /** The decoder passes over pictures that nothing depends on. */
  #skipping = false;

  constructor(
    libav: Libav,
    input: Input,
    path: string,
    index: PacketIndex,
    indices: readonly number[],
    streamIndex: number,
    threads: number,
    sync: boolean,
  ) {
    this.#libav = libav;
    this.#input = input;
    this.#path = path;
    this.#index = index;
    this.#wanted = new Set(indices.map((position) => index.pts[position] as number));
    this.#streamIndex = streamIndex;
    this.#threads = threads;
    this.sync = sync;
    this.#packet = new libav.Packet();
    this.#packet.alloc();
    this.#frame = new libav.Frame();
    this.#frame.alloc();
  }

  /** Opens the decoder; a used input has been read to its end and must be rewound. */
  async begin(fresh: boolean): Promise<void> {
    await this.#openDecoder();
    if (this.#index.counted) {
      this.#linear = true;
      if (!fresh) await this.#reopen();
    } else if (!fresh) {
      // As if the file had been read to its end: the first frame asked for seeks.
      this.#ordinal = Number.POSITIVE_INFINITY;
    }
  }

  /** The decoded frame with this index, valid until the next call, or undefined if the file does not give it. */
  async frameAt(index: number): Promise<AvFrame | undefined> {
    const target = this.#index.counted ? index : (this.#index.pts[index] as number);
    if (!this.#linear) await this.#approach(target);
    for (;;) {
      if (!this.#pending && !(await this.#decodeNext())) {
        // The end came first. After a seek that means it landed too late.
        if (this.#linear) return undefined;
        await this.#restart();
        continue;
      }
      this.#pending = true;
      const time = this.#index.counted ? this.#counter : Number(this.#frame.bestEffortTimestamp);
      if (time === target) {
        this.#pending = false;
        return this.#frame;
      }
      if (time > target) {
        if (this.#linear) return undefined;
        await this.#restart();
        continue;
      }
      this.#pending = false;
    }
  }

  /** Frees the decoder; the input stays open and is the caller's again. */
  end(): Input {
    this.#decoder?.freeContext();
    this.#packet.free();
    this.#frame.free();
    return this.#input;
  }

  /** Seeks to the key packet before the target unless reading on is about as short. */
  async #approach(target: number): Promise<void> {
    const key = keyBefore(this.#index, target);
    const from = key?.ordinal ?? 0;
    const ahead = from - this.#ordinal;
    // Before a key that is only a little ahead, or behind: read on. A used input stands at its end: seek.
    if (Number.isFinite(this.#ordinal) && ahead <= seekCost) return;
    const pts = key?.pts ?? this.#index.pts[0] ?? 0;
    const code = await this.#input.seekFrame(
      this.#streamIndex,
      BigInt(pts),
      this.#libav.c.AVSEEK_FLAG_BACKWARD,
    );
    if (code < 0) {
      await this.#restart();
      return;
    }
    this.#decoder?.flushBuffers();
    this.#pending = false;
    this.#atEnd = false;
    this.#ordinal = from - 1;
  }

  /** Decodes from the beginning from now on. */
  async #restart(): Promise<void> {
    this.#linear = true;
    await this.#reopen();
    this.#decoder?.freeContext();
    await this.#openDecoder();
  }

  async #reopen(): Promise<void> {
    await this.#input.closeInput();
    this.#input = await openInput(this.#libav, this.#path);
    chooseStream(this.#libav, this.#input, this.#path);
    this.#ordinal = -1;
    this.#counter = -1;
    this.#atEnd = false;
    this.#pending = false;
  }

  async #openDecoder(): Promise<void> {
    const libav = this.#libav;
    const parameters = this.#input.streams[this.#streamIndex]?.codecpar;
    const codec = parameters ? libav.Codec.findDecoder(parameters.codecId) : null;
    const decoder = new libav.CodecContext();
    if (!parameters || !codec) throw undecodable(this.#path, "unknown");
    decoder.allocContext3(codec);
    this.#decoder = decoder;
    decoder.parametersToContext(parameters);
    decoder.pktTimebase = this.#input.streams[this.#streamIndex]?.timeBase as InstanceType<Libav["Rational"]>;
    decoder.threadCount = this.#threads;
    this.#skipping = false;
    const code = this.sync ? decoder.open2Sync(codec) : await decoder.open2(codec);
    if (code < 0) throw undecodable(this.#path, codec.name ?? "unknown");
  }

  /** Decodes one more frame into `#frame`; false at the end of the file. */
  async #decodeNext(): Promise<boolean> {
    const { c } = this.#libav;
    const decoder = this.#decoder as Decoder;
    for (;;) {
      const code = this.sync
        ? decoder.receiveFrameSync(this.#frame)
        : await decoder.receiveFrame(this.#frame);
      if (code >= 0) {
        this.decoded++;
        this.#counter++;
        if (this.#frame.decodeErrorFlags !== 0) this.damaged++;
        return true;
      }
      if (code === c.AVERROR_EOF) return false;
      // Any other error concerns damaged data: the decoder goes on with what follows.
      if (this.#atEnd && code !== c.AVERROR_EAGAIN) return false;
      if (this.#atEnd) return false;
      await this.#feed(decoder);
    }
  }

  /** Gives the decoder the next packet, or tells it that the end has come. */
  async #feed(decoder: Decoder): Promise<void> {
    const packet = this.#packet;
    for (;;) {
      if (this.#input.readFrameSync(packet) < 0) {
        this.#atEnd = true;
        await decoder.sendPacket(null);
        return;
      }
      if (packet.streamIndex === this.#streamIndex) break;
      packet.unref();
    }
    if (!this.#index.counted) {
      const ordinal = this.#index.ordinals.get(Number(packet.pts));
      if (ordinal !== undefined) this.#ordinal = ordinal;
    }
    this.#skipUnused(decoder, Number(packet.pts));
    if (this.sync) decoder.sendPacketSync(packet);
    else await decoder.sendPacket(packet);
    packet.unref();
  }

  /**
   * Lets the decoder pass over pictures that nobody asked for and no other picture is predicted from. H.264 says
   * so in each picture's header (nal_ref_idc = 0), so that the pictures asked for stay the same to the byte.
   */
  #skipUnused(decoder: Decoder, pts: number): void {
    const { c, Option } = this.#libav;
    if (decoder.codecId !== c.AV_CODEC_ID_H264) return;
    const skip = !this.#linear && !this.#wanted.has(pts);
    if (skip === this.#skipping) return;
    this.#skipping = skip;
    Option.set(decoder.getNative(), "skip_frame", skip ? "noref" : "default");
  }
}

/** The filter graph; it is built for the first frame and again if size or format change within the file. */
class Graph {
  readonly #libav: Libav;
  readonly #description: string;
  readonly #output: AvFrame;
  #graph: InstanceType<Libav["FilterGraph"]> | undefined;
  #source: InstanceType<Libav["FilterContext"]> | undefined;
  #sink: InstanceType<Libav["FilterContext"]> | undefined;
  #shape = "";

  constructor(libav: Libav, description: string) {
    this.#libav = libav;
    this.#description = description;
    this.#output = new libav.Frame();
    this.#output.alloc();
  }

  /** RGB24 of one frame, in an array of its own. */
  async run(frame: AvFrame, sync: boolean): Promise<{ data: Uint8Array; width: number; height: number }> {
    const { c, FFmpegError } = this.#libav;
    const shape = `${frame.width}x${frame.height}:${frame.format}:${frame.colorSpace}:${frame.colorRange}`;
    if (shape !== this.#shape) {
      this.#build(frame);
      this.#shape = shape;
    }
    const source = this.#source as InstanceType<Libav["FilterContext"]>;
    const sink = this.#sink as InstanceType<Libav["FilterContext"]>;
    const flags = c.AV_BUFFERSRC_FLAG_KEEP_REF;
    FFmpegError.throwIfError(
      sync ? source.buffersrcAddFrameSync(frame, flags) : await source.buffersrcAddFrame(frame, flags),
      "filter",
    );
    const output = this.#output;
    FFmpegError.throwIfError(
      sync ? sink.buffersinkGetFrameSync(output) : await sink.buffersinkGetFrame(output),
      "filter",
    );
    const { width, height } = output;
    const rows = output.data?.[0] as Buffer;
    const stride = output.linesize[0] as number;
    const data = new Uint8Array(width * height * 3);
    if (stride === width * 3) data.set(rows.subarray(0, data.length));
    else
      for (let y = 0; y < height; y++)
        data.set(rows.subarray(y * stride, y * stride + width * 3), y * width * 3);
    output.unref();
    return { data, width, height };
  }

  free(): void {
    this.#graph?.free();
    this.#output.free();
  }

  #build(frame: AvFrame): void {
    const libav = this.#libav;
    const check = (code: number) => libav.FFmpegError.throwIfError(code, "filter graph");
    this.#graph?.free();
    const graph = new libav.FilterGraph();
    graph.alloc();
    graph.nbThreads = 1;
    this.#graph = graph;
    const buffer = libav.Filter.getByName("buffer");
    const buffersink = libav.Filter.getByName("buffersink");
    const source = buffer && graph.allocFilter(buffer, "in");
    const sink = buffersink && graph.createFilter(buffersink, "out");
    invariant(source && sink, `filter graph: buffer and buffersink exist for ${this.#description}`);
    check(
      source.buffersrcParametersSet({
        width: frame.width,
        height: frame.height,
        format: frame.format,
        timeBase: { num: 1, den: 1000 },
        sampleAspectRatio: frame.sampleAspectRatio,
        colorRange: frame.colorRange,
        colorSpace: frame.colorSpace,
      }),
    );
    check(source.init(null));
    // Named from inside the graph's text: its input is our source's output.
    const outputs = libav.FilterInOut.createList([{ name: "in", filterCtx: source, padIdx: 0 }]);
    const inputs = libav.FilterInOut.createList([{ name: "out", filterCtx: sink, padIdx: 0 }]);
    check(graph.parsePtr(this.#description, inputs, outputs));
    check(graph.configSync());
    this.#source = source;
    this.#sink = sink;
  }
}
