/** The part of HTTP structured fields (RFC 8941) that message signatures need: dictionaries of inner lists and of bytes. */
import { type Bytes, fromBase64 } from "./bytes.ts";
import { Fault } from "./fault.ts";

export type Bare = string | number | boolean | Bytes;
export type Parameters = ReadonlyMap<string, Bare>;

/** One covered component: its name, its parameters, and its text as written. */
export interface Component {
  name: string;
  parameters: Parameters;
  text: string;
}

/** A member of `Signature-Input`. `text` is its value as written, which is what was signed. */
export interface SignatureInput {
  components: Component[];
  parameters: Parameters;
  text: string;
}

class Reader {
  at = 0;
  constructor(readonly text: string) {}

  done(): boolean {
    return this.at >= this.text.length;
  }

  peek(): string {
    return this.text[this.at] ?? "";
  }

  take(pattern: RegExp): string {
    const sticky = new RegExp(pattern.source, "y");
    sticky.lastIndex = this.at;
    const match = sticky.exec(this.text);
    if (!match) throw new Fault("malformed", `structured field not readable at ${this.at}`);
    this.at = sticky.lastIndex;
    return match[0];
  }

  key(): string {
    return this.take(/[a-z*][a-z0-9_\-.*]*/);
  }

  bare(): Bare {
    switch (this.peek()) {
      case '"':
        return this.take(/"(?:[^"\\]|\\["\\])*"/)
          .slice(1, -1)
          .replace(/\\(.)/g, "$1");
      case ":":
        return fromBase64(this.take(/:[A-Za-z0-9+/=]*:/).slice(1, -1));
      case "?":
        return this.take(/\?[01]/) === "?1";
      default:
        return Number(this.take(/-?\d{1,15}/));
    }
  }

  parameters(): Parameters {
    const out = new Map<string, Bare>();
    while (this.peek() === ";") {
      this.take(/; */);
      const key = this.key();
      if (this.peek() !== "=") {
        out.set(key, true);
        continue;
      }
      this.take(/=/);
      out.set(key, this.bare());
    }
    return out;
  }

  component(): Component {
    const start = this.at;
    const name = this.bare();
    if (typeof name !== "string") throw new Fault("malformed", "a component name is a string");
    const parameters = this.parameters();
    return { name, parameters, text: this.text.slice(start, this.at) };
  }

  innerList(): SignatureInput {
    const start = this.at;
    this.take(/\( */);
    const components: Component[] = [];
    while (this.peek() !== ")") {
      components.push(this.component());
      if (this.peek() !== ")") this.take(/ +/);
    }
    this.take(/\)/);
    const parameters = this.parameters();
    return { components, parameters, text: this.text.slice(start, this.at) };
  }
}

function dictionary<T>(text: string, member: (reader: Reader) => T): Map<string, T> {
  const reader = new Reader(text.trim());
  const out = new Map<string, T>();
  while (!reader.done()) {
    const key = reader.key();
    reader.take(/=/);
    out.set(key, member(reader));
    // A comma must be followed by a member.
    if (!reader.done()) reader.take(/[ \t]*,[ \t]*(?=.)/);
  }
  return out;
}

/** Reads a `Signature-Input` field. Throws `malformed`. */
export function parseSignatureInput(text: string): Map<string, SignatureInput> {
  return dictionary(text, (reader) => reader.innerList());
}

/** Reads a dictionary of bytes: `Signature` and `Content-Digest`. Throws `malformed`. */
export function parseByteDictionary(text: string): Map<string, Bytes> {
  return dictionary(text, (reader) => {
    const value = reader.bare();
    if (!(value instanceof Uint8Array)) throw new Fault("malformed", "expected bytes");
    reader.parameters();
    return value;
  });
}
