/** As much of the protobuf wire format as event files need. */
const [VARINT, FIXED64, LENGTH, FIXED32] = [0, 1, 2, 5];

/** Builds one message; fields in the order of their calls. */
export class Message {
  private readonly parts: Uint8Array[] = [];

  /** A whole number of at least 0, below 2^53. */
  int(field: number, value: number): this {
    return this.put(field, VARINT, varint(value));
  }

  double(field: number, value: number): this {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setFloat64(0, value, true);
    return this.put(field, FIXED64, bytes);
  }

  float(field: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.put(field, FIXED32, bytes);
  }

  text(field: number, value: string): this {
    return this.bytes(field, Buffer.from(value));
  }

  message(field: number, value: Message): this {
    return this.bytes(field, value.done());
  }

  bytes(field: number, value: Uint8Array): this {
    return this.put(field, LENGTH, varint(value.length), value);
  }

  done(): Uint8Array {
    return Buffer.concat(this.parts);
  }

  private put(field: number, wire: number, ...parts: Uint8Array[]): this {
    this.parts.push(varint(field * 8 + wire), ...parts);
    return this;
  }
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

/** The first field of that number at the top of a message; undefined without one. */
export function fieldOf(message: Uint8Array, wanted: number): number | Uint8Array | undefined {
  for (let at = 0; at < message.length;) {
    const [key, body] = readVarint(message, at);
    const [field, wire] = [Math.floor(key / 8), key % 8];
    if (wire === VARINT) {
      const [value, next] = readVarint(message, body);
      if (field === wanted) return value;
      at = next;
    } else if (wire === LENGTH) {
      const [length, next] = readVarint(message, body);
      if (field === wanted) return message.subarray(next, next + length);
      at = next + length;
    } else at = body + (wire === FIXED64 ? 8 : 4);
  }
  return undefined;
}

function readVarint(bytes: Uint8Array, from: number): [value: number, next: number] {
  let value = 0;
  for (let at = from, scale = 1; ; at++, scale *= 0x80) {
    const byte = bytes[at] ?? 0;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return [value, at + 1];
  }
}
