/** Test files in other containers and with other times, made from our own MP4 files without encoding again. */

import { type Libav, loadLibav } from "../libav.ts";

/** What becomes of the packets. */
export interface RemuxOptions {
  /** FFmpeg's name of the container, such as `matroska`, `mpegts`, `avi`. */
  format: string;
  /** New time of a packet's presentation and decoding time, both in seconds; must ascend. */
  retime?: (seconds: number) => number;
  /** Turn noted in the file, clockwise in degrees; only MP4 keeps it. */
  rotation?: 0 | 90 | 180 | 270;
  /** Only packets of the video stream for which this is true; default all. */
  keep?: (ordinal: number) => boolean;
  /** Text tracks become this; default as they are. Containers other than MP4 and Matroska get none. */
  textCodec?: "mov_text" | "subrip" | "webvtt" | "ass";
  /** Leave out the video stream's packets and describe the stream as audio-less data; default false. */
  onlyText?: boolean;
}

const assHeader = `[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
`;

/** Copies streams of a file into a new file. */
export async function remux(from: string, to: string, options: RemuxOptions): Promise<void> {
  const libav = await loadLibav();
  if (!libav) throw new Error("node-av must be installed for this test");
  const { c } = libav;
  const check = (code: number) => libav.FFmpegError.throwIfError(code, `remux to ${to}`);
  const input = new libav.FormatContext();
  const output = new libav.FormatContext();
  const packet = new libav.Packet();
  packet.alloc();
  check(await input.openInput(from));
  check(await input.findStreamInfo());
  check(output.allocOutputContext2(null, options.format, to));
  let filter: InstanceType<Libav["BitStreamFilterContext"]> | undefined;
  const streams = new Map<number, InstanceType<typeof libav.Stream>>();
  for (const stream of input.streams) {
    const isVideo = stream.codecpar.codecType === c.AVMEDIA_TYPE_VIDEO;
    if (options.onlyText ? isVideo : !isVideo && !(options.format === "mp4" || options.textCodec)) continue;
    const copy = output.newStream();
    check(stream.codecpar.copy(copy.codecpar));
    copy.codecpar.codecTag = 0;
    if (!isVideo && options.textCodec && options.textCodec !== "mov_text") {
      copy.codecpar.codecId = {
        subrip: c.AV_CODEC_ID_SUBRIP,
        webvtt: c.AV_CODEC_ID_WEBVTT,
        ass: c.AV_CODEC_ID_ASS,
      }[options.textCodec];
      copy.codecpar.extradata = Buffer.from(options.textCodec === "ass" ? assHeader : "");
    }
    copy.timeBase = stream.timeBase;
    copy.avgFrameRate = stream.avgFrameRate;
    if (isVideo && options.rotation !== undefined) {
      copy.codecpar.addCodedSideData(c.AV_PKT_DATA_DISPLAYMATRIX, rotationMatrix(options.rotation));
    }
    if (isVideo && options.format === "avi") filter = annexB(libav, stream);
    streams.set(stream.index, copy);
  }
  check(await output.openOutput());
  check(output.writeHeaderSync());
  let texts = 0;
  for (let ordinal = 0; input.readFrameSync(packet) >= 0; ) {
    const copy = streams.get(packet.streamIndex);
    const source = input.streams[packet.streamIndex];
    const isVideo = source?.codecpar.codecType === c.AVMEDIA_TYPE_VIDEO;
    const kept =
      copy !== undefined && source !== undefined && (!isVideo || (options.keep?.(ordinal) ?? true));
    if (isVideo) ordinal++;
    // MP4 marks the time between two texts with an empty text; other containers have no use for it.
    const empty = !isVideo && options.textCodec !== undefined && (packet.data?.length ?? 0) <= 2;
    if (kept && !empty) {
      if (!isVideo && options.textCodec && options.textCodec !== "mov_text") {
        const plain = (packet.data ?? Buffer.alloc(2)).subarray(2).toString();
        const words =
          options.textCodec === "webvtt" ? plain.replaceAll("&", "&amp;").replaceAll("<", "&lt;") : plain;
        // Setting the data clears the rest.
        const { pts, dts, duration, flags } = packet;
        packet.data = Buffer.from(
          options.textCodec === "ass"
            ? `${texts++},0,Default,,0,0,0,,${words.replaceAll("\n", "\\N")}`
            : words,
        );
        Object.assign(packet, { pts, dts, duration, flags });
      }
      const unit = source.timeBase.toDouble();
      if (options.retime && isVideo) {
        const retimed = (time: bigint) =>
          BigInt(Math.round((options.retime?.(Number(time) * unit) ?? 0) / unit));
        packet.pts = retimed(packet.pts);
        packet.dts = retimed(packet.dts);
        packet.duration = 0n;
      }
      if (filter && isVideo) {
        check(await filter.sendPacket(packet));
        check(await filter.receivePacket(packet));
      }
      packet.rescaleTs(source.timeBase, copy.timeBase);
      packet.streamIndex = copy.index;
      check(output.interleavedWriteFrameSync(packet));
    }
    packet.unref();
  }
  check(output.writeTrailerSync());
  await output.closeOutput();
  await input.closeInput();
  packet.free();
  output.freeContext();
}

/** H.264 with start codes, which AVI wants, from H.264 with lengths, as MP4 has it. */
function annexB(libav: Libav, stream: InstanceType<Libav["Stream"]>) {
  const filter = new libav.BitStreamFilterContext();
  const found = libav.BitStreamFilter.getByName("h264_mp4toannexb");
  if (!found) throw new Error("this build of node-av has no h264_mp4toannexb");
  filter.alloc(found);
  if (filter.inputCodecParameters) stream.codecpar.copy(filter.inputCodecParameters);
  filter.inputTimeBase = stream.timeBase;
  libav.FFmpegError.throwIfError(filter.init(), "h264_mp4toannexb");
  return filter;
}

/** Nine 32-bit numbers in 16.16 fixed point (the last column 2.30), as in the `tkhd` box. */
function rotationMatrix(degrees: number): Buffer {
  const cosine = Math.round(Math.cos((degrees * Math.PI) / 180)) * 65536;
  const sine = Math.round(Math.sin((degrees * Math.PI) / 180)) * 65536;
  const matrix = Buffer.alloc(36);
  [cosine, sine, 0, -sine, cosine, 0, 0, 0, 1 << 30].forEach((value, i) => {
    matrix.writeInt32LE(value, i * 4);
  });
  return matrix;
}
