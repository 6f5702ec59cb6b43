// A GPT in plain JavaScript: what gptlib's model.py and modern.py do in PyTorch, for one
// text and one token at a time. A vector is a Float32Array of C = n_embd numbers, a matrix
// one with its rows after each other. What a model has no tensor for, it does not do: one
// without position embeddings rotates its queries and keys, a norm without weights is an
// RMSNorm, a model without lm_head uses the token embeddings again.

class Transformer {
  /** config: sizes and options; tensors: Float32Arrays by their names in PyTorch. */
  constructor(config, tensors) {
    Object.assign(this, { config, tensors, tokens: [] });
    // One row for each position of the window. Keys and values are the usual cache; queries
    // and outputs stay too, so that any position can be looked into later.
    const rows = () => new Float32Array(config.block_size * config.n_embd);
    const kept = ["q", "k", "v"];
    if (tensors["blocks.0.conv_1.weight"]) kept.push("conv_1", "conv_2");
    this.kept = Array.from({ length: config.n_layer }, () =>
      Object.fromEntries(kept.map((name) => [name, rows()])),
    );
    this.out = rows();
  }

  /** Read one token after those read before; tokens.length = n forgets all but the first n. */
  read(token) {
    const { n_layer, n_embd: C, n_head } = this.config;
    const t = this.tokens.push(token) - 1; // the token's position
    const x = row(this.tensors["wte.weight"], token, C).slice(); // the residual stream
    const learned = this.tensors["wpe.weight"];
    if (learned) add(x, row(learned, t, C));
    this.turns = learned ? null : rotations(t, C / n_head);
    for (let i = 0; i < n_layer; i++) {
      add(x, this.attention(i, t, this.prepare(i, t, x, 1)));
      add(x, this.feedForward(i, this.prepare(i, t, x, 2)));
    }
    row(this.out, t, C).set(this.norm("norm_f", x));
  }

  /** The logits of the token after position t. */
  logits(t) {
    const weight = this.tensors["lm_head.weight"] ?? this.tensors["wte.weight"];
    return linear(row(this.out, t, this.config.n_embd), weight);
  }

  /** How much position t attends to each position up to itself, in one head. */
  weights(layer, head, t) {
    const { n_embd: C, n_head } = this.config, D = C / n_head;
    const { q, k } = this.kept[layer], from = head * D;
    const scores = new Float32Array(t + 1), scale = 1 / Math.sqrt(D);
    for (let s = 0; s <= t; s++) {
      let dot = 0;
      for (let d = from; d < from + D; d++) dot += q[t * C + d] * k[s * C + d];
      scores[s] = dot * scale;
    }
    return softmax(scores);
  }

  attention(i, t, h) {
    const { n_embd: C, n_head, qk_norm } = this.config, D = C / n_head;
    const name = `blocks.${i}.attn.`, kept = this.kept[i];
    const qkv = this.linear(name + "qkv", h);
    const [q, k, v] = [0, 1, 2].map((part) => row(qkv, part, C));
    for (let head = 0; head < n_head; head++)
      for (const part of [row(q, head, D), row(k, head, D)]) {
        if (qk_norm) part.set(normalise(part));
        if (this.turns) rotate(part, this.turns);
      }
    const mix = this.tensors[name + "mix"]; // value residual: some of the first block's
    if (mix) {
      const first = row(this.kept[0].v, t, C);
      for (let c = 0; c < C; c++) v[c] += mix[0] * (first[c] - v[c]);
    }
    row(kept.q, t, C).set(q);
    row(kept.k, t, C).set(k);
    row(kept.v, t, C).set(v);
    const gate = this.tensors[name + "gate.weight"] && this.linear(name + "gate", h);
    const y = new Float32Array(C);
    for (let head = 0; head < n_head; head++) {
      const weights = this.weights(i, head, t), from = head * D;
      const open = gate ? 2 / (1 + Math.exp(-gate[head])) : 1;
      for (let s = 0; s <= t; s++) {
        const w = open * weights[s];
        for (let d = from; d < from + D; d++) y[d] += w * kept.v[s * C + d];
      }
    }
    return this.linear(name + "proj", y);
  }

  feedForward(i, x) {
    const name = `blocks.${i}.mlp.`, h = this.linear(name + "fc", x);
    for (let j = 0; j < h.length; j++)
      h[j] = this.config.relu2 ? Math.max(h[j], 0) ** 2 : gelu(h[j]);
    return this.linear(name + "proj", h);
  }

  /** The stream as sub-layer 1 or 2 of block i reads it: normalised; convolved, if it is. */
  prepare(i, t, x, number) {
    const C = this.config.n_embd, h = this.norm(`blocks.${i}.norm_${number}`, x);
    const weight = this.tensors[`blocks.${i}.conv_${number}.weight`];
    if (!weight) return h;
    const inputs = this.kept[i][`conv_${number}`], y = h.slice();
    row(inputs, t, C).set(h);
    const width = weight.length / C; // the last row of weight is for this position
    for (let back = 0; back < width && back <= t; back++) {
      const w = row(weight, width - 1 - back, C), input = row(inputs, t - back, C);
      for (let c = 0; c < C; c++) y[c] += w[c] * input[c];
    }
    return y;
  }

  linear(name, x) {
    return linear(x, this.tensors[name + ".weight"], this.tensors[name + ".bias"]);
  }

  norm(name, x) {
    return normalise(x, this.tensors[name + ".weight"], this.tensors[name + ".bias"]);
  }
}

/** weight · x + bias. Here nearly all time goes: four rows at once read x once for all. */
function linear(x, weight, bias) {
  const n = x.length, rows = weight.length / n, y = new Float32Array(rows);
  let i = 0;
  for (; i + 3 < rows; i += 4) {
    let a = 0, b = 0, c = 0, d = 0;
    const at = i * n, bt = at + n, ct = bt + n, dt = ct + n;
    for (let j = 0; j < n; j++) {
      const v = x[j];
      a += weight[at + j] * v;
      b += weight[bt + j] * v;
      c += weight[ct + j] * v;
      d += weight[dt + j] * v;
    }
    y[i] = a, y[i + 1] = b, y[i + 2] = c, y[i + 3] = d;
  }
  for (; i < rows; i++) {
    let a = 0;
    for (let j = 0; j < n; j++) a += weight[i * n + j] * x[j];
    y[i] = a;
  }
  if (bias) add(y, bias);
  return y;
}

/** LayerNorm; without weight RMSNorm, which subtracts no mean and has no parameters. */
function normalise(x, weight, bias) {
  const n = x.length, y = new Float32Array(n);
  let mean = 0, square = 0;
  if (weight) for (let j = 0; j < n; j++) mean += x[j] / n;
  for (let j = 0; j < n; j++) square += (x[j] - mean) ** 2 / n;
  const scale = 1 / Math.sqrt(square + (weight ? 1e-5 : 2 ** -23)); // PyTorch's epsilons
  for (let j = 0; j < n; j++) y[j] = (x[j] - mean) * scale;
  if (weight) for (let j = 0; j < n; j++) y[j] = y[j] * weight[j] + bias[j];
  return y;
}

/** Cosines, then sines, of the angles that pairs of numbers turn by at position t. */
function rotations(t, D) {
  const half = D / 2, turns = new Float32Array(D);
  for (let i = 0; i < half; i++) {
    // Rounded like PyTorch's single precision, so that far positions agree as well.
    const angle = Math.fround(t * Math.fround(10000 ** Math.fround(-i / half)));
    turns[i] = Math.cos(angle), turns[half + i] = Math.sin(angle);
  }
  return turns;
}

/** RoPE, in place: number i of the first half and of the second half are a pair. */
function rotate(x, turns) {
  const half = x.length / 2;
  for (let i = 0; i < half; i++) {
    const a = x[i], b = x[half + i], cos = turns[i], sin = turns[half + i];
    x[i] = a * cos - b * sin, x[half + i] = a * sin + b * cos;
  }
}

/** GPT-2's approximation of GELU. */
function gelu(x) {
  return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
}

function softmax(scores) {
  let most = -Infinity, sum = 0;
  for (const score of scores) most = Math.max(most, score); // no exp can then overflow
  const p = new Float64Array(scores.length);
  for (let i = 0; i < p.length; i++) sum += p[i] = Math.exp(scores[i] - most);
  for (let i = 0; i < p.length; i++) p[i] /= sum;
  return p;
}

function add(x, y) {
  for (let j = 0; j < x.length; j++) x[j] += y[j];
}

/** Row i of a matrix with rows of n numbers, not a copy. */
function row(matrix, i, n) {
  return matrix.subarray(i * n, (i + 1) * n);
}

/** The distribution that a token is drawn from. Temperature 0: the most likely one. */
function distribution(logits, temperature, topK = Infinity) {
  const p = new Float64Array(logits.length);
  const most = logits.reduce((best, v, i) => (v > logits[best] ? i : best), 0);
  if (temperature === 0) return (p[most] = 1), p;
  for (let i = 0; i < p.length; i++) p[i] = (logits[i] - logits[most]) / temperature;
  p.set(softmax(p));
  if (topK >= p.length) return p;
  const order = ranked(p);
  let kept = 0;
  order.forEach((i, rank) => (rank < topK ? (kept += p[i]) : (p[i] = 0)));
  return p.map((v) => v / kept);
}

/** All ids, the largest number first, equal ones in their order. */
function ranked(numbers) {
  return Array.from(numbers.keys()).sort((i, j) => numbers[j] - numbers[i] || i - j);
}

/** Draw a token: where the cumulated probabilities pass a random number in [0, 1). */
function draw(p, random = Math.random()) {
  let last = 0, sum = 0;
  for (let i = 0; i < p.length; i++) {
    if (p[i] === 0) continue;
    sum += p[i], last = i;
    if (sum > random) break;
  }
  return last;
}

/** Named tensors out of base64: zipped half-precision numbers, all low bytes first. */
async function unpack(base64, shapes) {
  const letters = atob(base64), zipped = new Uint8Array(letters.length);
  for (let i = 0; i < zipped.length; i++) zipped[i] = letters.charCodeAt(i);
  const unzipped = new Blob([zipped]).stream().pipeThrough(new DecompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(unzipped).arrayBuffer());
  const numbers = Float32Array.from({ length: 2 ** 16 }, (_, bits) => half(bits));
  const count = bytes.length / 2, tensors = {};
  let at = 0;
  for (const [name, shape] of shapes) {
    const tensor = new Float32Array(shape.reduce((a, b) => a * b, 1));
    for (let i = 0; i < tensor.length; i++, at++)
      tensor[i] = numbers[bytes[at] | (bytes[count + at] << 8)];
    tensors[name] = tensor;
  }
  return tensors;
}

/** A half-precision number from its bits: a sign, 5 of the exponent, 10 of the fraction. */
function half(bits) {
  const exponent = (bits >> 10) & 31, fraction = (bits & 1023) / 1024;
  const size = exponent ? 2 ** (exponent - 15) * (1 + fraction) : 2 ** -14 * fraction;
  return bits >> 15 ? -size : size;
}
