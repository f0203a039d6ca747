/**
 * Writing protocol buffers: a sequence of fields, each a number and wire type, then a value; messages are byte strings.
 * https://protobuf.dev/programming-guides/encoding/
 */

/** A message that is being written: fields one after the other, each written with its number. */
export class Message {
  readonly #parts: Uint8Array[] = [];
  /** Bytes so far. */
  length = 0;

  /** Adds bytes. */
  bytes(field: number, content: Uint8Array): this {
    this.#varint((field << 3) | 2);
    this.#varint(content.length);
    return this.#push(content);
  }

  /** Adds a text as UTF-8. */
  text(field: number, content: string): this {
    return this.bytes(field, new TextEncoder().encode(content));
  }

  /** Adds a message. */
  message(field: number, content: Message): this {
    this.#varint((field << 3) | 2);
    this.#varint(content.length);
    for (const part of content.#parts) this.#push(part);
    return this;
  }

  /** Adds an integer of up to 64 bits. */
  integer(field: number, value: number): this {
    this.#varint(field << 3);
    this.#varint(value);
    return this;
  }

  /** Adds a number of 32 bits. */
  float(field: number, value: number): this {
    this.#varint((field << 3) | 5);
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.#push(bytes);
  }

  /** Adds a number of 64 bits. */
  double(field: number, value: number): this {
    this.#varint((field << 3) | 1);
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setFloat64(0, value, true);
    return this.#push(bytes);
  }

  /** The whole message. */
  finish(): Uint8Array {
    const whole = new Uint8Array(this.length);
    let at = 0;
    for (const part of this.#parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  #push(part: Uint8Array): this {
    this.#parts.push(part);
    this.length += part.length;
    return this;
  }

  #varint(value: number): void {
    const bytes: number[] = [];
    let rest = BigInt.asUintN(64, BigInt(value));
    do {
      const low = Number(rest & 0x7fn);
      rest >>= 7n;
      bytes.push(rest === 0n ? low : low | 0x80);
    } while (rest !== 0n);
    this.#push(Uint8Array.from(bytes));
  }
}
