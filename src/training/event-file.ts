/**
 * Metrics as TensorBoard reads them: a file of records, each an `Event` message between checksums.
 * https://github.com/tensorflow/tensorboard/blob/master/tensorboard/compat/proto/event.proto
 */

import { appendFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Message } from "../base/index.ts";

/** Writes events; every number of a line of metrics becomes a scalar. */
export class EventFile {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /**
   * Begins the file anew with the lines that there are, so that a run that goes on has no step twice.
   *
   * @param folder gets `events.out.tfevents.0`
   * @param lines metrics of earlier steps
   */
  static async create(folder: string, lines: readonly StepLine[]): Promise<EventFile> {
    await mkdir(folder, { recursive: true });
    const path = join(folder, "events.out.tfevents.0");
    const seconds = Date.now() / 1000;
    const head = new Message().double(1, seconds).text(3, "brain.Event:2");
    await writeFile(path, Buffer.concat([record(head), ...lines.map((line) => recordOf(line, seconds))]));
    return new EventFile(path);
  }

  /** Adds a line of metrics. */
  append(line: StepLine): Promise<void> {
    return appendFile(this.#path, recordOf(line, Date.now() / 1000));
  }
}

/** A line of `metrics.jsonl`. */
export type StepLine = { step: number } & Record<string, unknown>;

function recordOf({ step, ...values }: StepLine, seconds: number): Buffer {
  const summary = new Message();
  for (const [tag, value] of Object.entries(values))
    if (typeof value === "number" && Number.isFinite(value))
      summary.message(1, new Message().text(1, tag).float(2, value));
  return record(new Message().double(1, seconds).integer(2, step).message(5, summary));
}

/** Length and content, each followed by its checksum. */
function record(event: Message): Buffer {
  const content = Buffer.from(event.finish());
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(content.length));
  return Buffer.concat([length, checksum(length), content, checksum(content)]);
}

/** CRC-32C, rotated and shifted as TFRecord files have it. */
function checksum(bytes: Uint8Array): Buffer {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ (TABLE[(crc ^ byte) & 0xff] as number);
  crc = ~crc >>> 0;
  const masked = (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
  const result = Buffer.alloc(4);
  result.writeUInt32LE(masked);
  return result;
}

/** Of the reversed Castagnoli polynomial. */
const TABLE = Uint32Array.from({ length: 256 }, (_, i) => {
  let crc = i;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc >>> 0;
});
