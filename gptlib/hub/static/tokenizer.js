// Text to token ids and back: gptlib's tokenizer.py and bpe.py.

/** One token per character. */
class Characters {
  constructor({ chars }) {
    this.texts = Array.from(chars); // by code points, as Python counts
    this.ids = new Map(this.texts.map((text, id) => [text, id]));
    this.beginning = this.ids.has("\n") ? "\n" : this.texts[0];
    this.unit = "character";
  }

  /** The ids of a text, and the characters in it that the model does not know. */
  encode(text) {
    const all = Array.from(text), known = all.filter((char) => this.ids.has(char));
    const unknown = [...new Set(all)].filter((char) => !this.ids.has(char));
    return { ids: known.map((char) => this.ids.get(char)), unknown };
  }

  /** A function from one id after the other to the text it adds. */
  decoder() {
    return (id) => this.texts[id];
  }

  name(id) {
    return visible(this.texts[id]);
  }
}

/** Byte-pair encoding: tokens 0 to 255 are bytes, each further one joins two before it. */
class BytePairs {
  constructor({ merges, special_tokens, pattern, end }) {
    this.pattern = new RegExp(pattern, "gu"); // no token crosses the pieces it finds
    // GPT-2 numbers the bytes that can be printed first. A token's bytes are kept as a
    // string of characters below 256, which a Map can find again.
    const bytes = Array.from({ length: 256 }, (_, byte) => byte);
    const printed = (b) => (b > 32 && b < 127) || (b > 160 && b !== 173);
    const order = [...bytes.filter(printed), ...bytes.filter((b) => !printed(b))];
    this.tokens = order.map((byte) => String.fromCharCode(byte));
    for (const [a, b] of merges) this.tokens.push(this.tokens[a] + this.tokens[b]);
    this.ranks = new Map(this.tokens.map((token, id) => [token, id]));
    this.special = special_tokens;
    const place = special_tokens.indexOf(end);
    this.end = place < 0 ? null : this.tokens.length + place; // it ends a text
    this.beginning = "\n";
    this.unit = "token";
  }

  /** No text is unknown; the text of a special token is encoded like any other. */
  encode(text) {
    const pieces = text.match(this.pattern) ?? [], utf8 = new TextEncoder();
    const ids = pieces.flatMap((piece) => {
      const bytes = Array.from(utf8.encode(piece), (b) => String.fromCharCode(b)).join("");
      return this.ranks.has(bytes) ? [this.ranks.get(bytes)] : this.merge([...bytes]);
    });
    return { ids, unknown: [] };
  }

  /** Join the neighbours whose token is the oldest, until no two form a token. */
  merge(parts) {
    for (;;) {
      let best = -1, lowest = Infinity;
      for (let i = 0; i + 1 < parts.length; i++) {
        const rank = this.ranks.get(parts[i] + parts[i + 1]) ?? Infinity;
        if (rank < lowest) lowest = rank, best = i;
      }
      if (best < 0) return parts.map((part) => this.ranks.get(part));
      parts.splice(best, 2, parts[best] + parts[best + 1]);
    }
  }

  bytes(id) {
    const special = this.special[id - this.tokens.length];
    if (special !== undefined) return new TextEncoder().encode(special);
    return Uint8Array.from(this.tokens[id], (char) => char.charCodeAt(0));
  }

  /** As for Characters; a token that ends inside a character adds it with the next one. */
  decoder() {
    const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
    return (id) => utf8.decode(this.bytes(id), { stream: true });
  }

  name(id) {
    const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(this.bytes(id));
    const hex = (byte) => byte.toString(16).padStart(2, "0");
    return text.includes("\ufffd") ? `<${[...this.bytes(id)].map(hex).join(" ")}>` : visible(text);
  }
}

/** A text with signs for what cannot be seen. */
function visible(text) {
  const signs = { " ": "␣", "\n": "↵", "\t": "⇥", "\r": "␍" };
  return text.replace(/[ \n\t\r]/g, (char) => signs[char]).replace(/\p{C}/gu, "□");
}

const build_tokenizer = (stored) =>
  stored.type === "bpe" ? new BytePairs(stored) : new Characters(stored);
