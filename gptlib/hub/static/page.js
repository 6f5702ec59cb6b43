// The page around the model: a prompt, a text that streams, a look inside at any place.
// Every text is put in as text (textContent), never as HTML.

const $ = (id) => document.getElementById(id);
const about = JSON.parse($("about").textContent);
const tokenizer = build_tokenizer(about.tokenizer);
const { vocab_size, block_size, n_layer, n_head } = about.config;
const SHOWN = 8; // of the most likely tokens
const BACK = 40; // positions that a head's little picture shows
const FRAME = 40; // milliseconds of computing between two drawings, which cost about 10
const top_ks = [1, 2, 3, 5, 10, 20, 40, 100, 1000].filter((k) => k < vocab_size).concat(vocab_size);

// The text: all its tokens, one <span> each; the model's window begins at token `start`.
let model, decode, tokens = [], spans = [], start = 0;
let pinned = 0, hovered = null; // the place that is looked at
const marked = []; // the spans that the chosen head looks at
let turn = 0, running = Promise.resolve(); // who may write

function make(tag, properties = {}, ...children) {
  const { style = {}, ...rest } = properties;
  const node = Object.assign(document.createElement(tag), rest);
  for (const [name, value] of Object.entries(style)) node.style.setProperty(name, value);
  node.append(...children);
  return node;
}
const whole = (n) => n.toLocaleString("en-US");
const percent = (p) => `${(100 * p).toFixed(p < 0.0995 ? 1 : 0)}%`;
const plural = (n, word) => `${whole(n)} ${word}${n === 1 ? "" : "s"}`;
const quoted = (id) => `“${tokenizer.name(id)}”`;

// Writing

/** Let one job write at a time; a new one stops the one before. */
function begin(job) {
  const mine = ++turn;
  running = running.then(() => (mine === turn ? job(() => mine === turn) : undefined));
  return running;
}

/** Start again from the prompt. */
function generate(count = Number($("length").value)) {
  const { ids, unknown } = tokenizer.encode($("prompt").value);
  const left_out = unknown.length ? `left out, as the model does not know them: ${unknown.join(" ")} · ` : "";
  const prompt = ids.length ? ids : tokenizer.encode(tokenizer.beginning).ids;
  return begin(async (allowed) => {
    cut(0);
    $("stop").disabled = false;
    for (const id of prompt.slice(0, -block_size)) show(id, "prompt"); // beyond the window
    start = tokens.length;
    for (const id of prompt.slice(-block_size)) if (allowed()) await append(id, "prompt");
    await write(count, allowed, left_out);
  });
}

/** Draw count tokens after the text. */
async function write(count, allowed, note = "") {
  for (const id of ["more", "generate"]) $(id).disabled = false;
  $("stop").disabled = false;
  $("status").textContent = `${note}writing …`;
  $("looks").ariaLive = "off"; // nobody can listen to that many changes
  const began = performance.now();
  let done = 0, ended = false;
  for (; done < count && allowed() && !ended; done++) {
    const p = distribution(model.logits(model.tokens.length - 1), temperature(), top_k());
    const token = draw(p);
    if (token === tokenizer.end) ended = true;
    else await append(token);
  }
  const seconds = (performance.now() - began) / 1000;
  const rate = done > 1 ? `: ${whole(Math.round(done / seconds))} per second` : "";
  const end = ended ? ", where the model ended it" : "";
  $("status").textContent = `${note}${plural(done, tokenizer.unit)} in ${seconds.toFixed(1)} s${rate}${end}`;
  $("stop").disabled = true;
  look();
  follow();
  $("looks").ariaLive = "polite";
}

/** Add a token to the text and let the model read it. */
async function append(id, kind = "") {
  if (model.tokens.length === block_size) {
    // A full window keeps its newest half, read afresh, as gptlib's generate() does.
    const kept = model.tokens.slice(block_size - Math.max(1, block_size >> 1) + 1);
    start = tokens.length - kept.length;
    model.tokens.length = 0;
    for (const old of kept) {
      model.read(old);
      await pause();
    }
  }
  model.read(id);
  show(id, kind);
  await pause();
}

let drawn = 0, bottom = 0;
/** Once in a while show what there is, and let the browser draw it. */
async function pause() {
  if (performance.now() - drawn < FRAME) return;
  look();
  follow();
  await new Promise((resume) => setTimeout(resume));
  drawn = performance.now();
}

/** Scroll to the end, unless the reader has scrolled up. To ask where it is costs a layout. */
function follow() {
  const box = $("text");
  if (box.scrollTop < bottom) return;
  box.scrollTop = box.scrollHeight;
  bottom = box.scrollTop - 5;
}

function show(id, kind) {
  const text = decode(id);
  const span = make("span", { textContent: text, className: kind });
  if (text.includes("\n")) span.classList.add("line-end");
  span.dataset.i = tokens.length;
  tokens.push(id);
  spans.push(span);
  $("text").append(span);
  pinned = tokens.length - 1;
}

/** Forget the text after its first n tokens, and what the model has read of it. */
function cut(n) {
  spans.splice(n).forEach((span) => span.remove());
  tokens.length = n;
  start = Math.min(start, n);
  model.tokens.length = n - start;
  decode = tokenizer.decoder(); // it may stand inside a character
  tokens.forEach((id) => decode(id));
  hovered = null;
  bottom = 0;
}

/** Another token after the place that is looked at. */
function branch(token) {
  const i = hovered ?? pinned;
  begin(async () => {
    cut(i + 1);
    await append(token, "chosen");
    look();
  });
}

// Looking

const temperature = () => Number($("temperature").value);
const top_k = () => top_ks[$("top-k").value];

/** Show what the model saw, and expected, when it had read up to the place looked at. */
function look() {
  if (!tokens.length) return;
  const i = hovered ?? pinned, t = i - start, inside = t >= 0 && t < model.tokens.length;
  document.querySelectorAll(".here").forEach((span) => span.classList.remove("here"));
  spans[i].classList.add("here");
  $("at").max = tokens.length;
  $("at").value = i + 1;
  $("at-value").textContent = `${whole(i + 1)} of ${whole(tokens.length)}: ${quoted(tokens[i])}`;
  $("at").setAttribute("aria-valuetext", $("at-value").textContent);
  $("next-title").textContent = `After ${quoted(tokens[i])}`;
  show_next(inside ? t : null);
  show_attention(inside ? t : null);
}

function show_next(t) {
  if (t === null) {
    $("next").replaceChildren();
    $("rest").textContent = `This place has left the window of ${plural(block_size, tokenizer.unit)}.`;
    return;
  }
  const logits = model.logits(t), own = distribution(logits, 1);
  const p = distribution(logits, temperature(), top_k());
  const best = ranked(own).slice(0, SHOWN), most = Math.max(p[best[0]], own[best[0]]);
  const share = (v) => `${(100 * v) / most}%`;
  // The same nodes again and again: one that has the focus, or is pressed, stays.
  best.forEach((id, rank) => {
    const item = $("next").children[rank] ?? $("next").appendChild(next_item());
    const button = item.firstChild, [name, bar, number] = button.children;
    name.textContent = tokenizer.name(id);
    bar.style.setProperty("--p", share(p[id]));
    bar.style.setProperty("--own", share(own[id]));
    number.textContent = p[id] ? percent(p[id]) : "cut off";
    button.classList.toggle("cut", p[id] === 0);
    button.dataset.id = id;
    button.setAttribute("aria-label", `Go on with ${quoted(id)}, ${number.textContent}`);
  });
  const others = vocab_size - best.length;
  const rest = 1 - best.reduce((sum, id) => sum + p[id], 0);
  $("rest").textContent =
    (others > 0 ? `${plural(others, "other")}: ${percent(Math.max(0, rest))}. ` : "") +
    "The thin line is the chance at temperature 1 with nothing cut off.";
}

function next_item() {
  const button = make("button", {}, make("b"), make("i"), make("span"));
  button.addEventListener("click", () => branch(Number(button.dataset.id)));
  return make("li", {}, button);
}

/** The weights of the chosen head at position t; of the mean of all heads by default. */
function show_attention(t) {
  marked.splice(0).forEach((span) => span.style.removeProperty("--w"));
  if (t === null) return ($("looks").textContent = "");
  const all = Array.from({ length: n_layer * n_head }, (_, n) =>
    model.weights(Math.floor(n / n_head), n % n_head, t),
  );
  const sum = new Float64Array(t + 1);
  all.forEach((weights) => add(sum, weights));
  all.unshift(sum.map((v) => v / all.length)); // in the order of the pictures
  const inputs = [...$("heads").querySelectorAll("input")];
  const chosen = inputs.findIndex((input) => input.checked), weights = all[chosen];
  const first = ranked(weights).slice(0, 3).filter((s, rank) => rank === 0 || weights[s] > 0.005);
  const most = Math.max(weights[first[0]], 0.2); // where all is faint, faint is enough
  weights.forEach((w, s) => {
    if (w < 0.002) return;
    marked.push(spans[start + s]);
    spans[start + s].style.setProperty("--w", Math.sqrt(w / most).toFixed(3));
  });
  const parts = first.map((s) => {
    const back = t - s ? `${t - s} before` : "itself";
    return `${quoted(model.tokens[s])} ${back} (${percent(weights[s])})`;
  });
  $("looks").textContent = `${inputs[chosen].ariaLabel}: ${parts.join(", ")}.`;
  inputs.forEach((input, n) => picture(input.nextSibling, all[n]));
}

/** The newest weights as bars. */
function picture(canvas, weights) {
  const pen = canvas.getContext("2d"), { width, height } = canvas, wide = width / BACK;
  pen.clearRect(0, 0, width, height);
  pen.fillStyle = getComputedStyle(canvas).color;
  weights.slice(-BACK).forEach((w, n, shown) => {
    const tall = height * Math.sqrt(w); // the root, so that small weights can be seen
    pen.fillRect(width - (shown.length - n) * wide, height - tall, wide - 1, tall);
  });
}

function build_heads() {
  const cell = (name, checked = false) => {
    const input = make("input", { type: "radio", name: "head", checked, ariaLabel: name });
    input.addEventListener("change", look);
    return make("label", { title: name }, input, make("canvas", { width: 4 * BACK, height: 64 }));
  };
  const box = $("heads"), every = cell("All heads, on average", true);
  every.append(make("span", { textContent: "mean of all" }));
  box.append(make("div", { className: "mean" }, every));
  for (let layer = 0; layer < n_layer; layer++) {
    const cells = Array.from({ length: n_head }, (_, head) =>
      cell(`Layer ${layer + 1}, head ${head + 1}`),
    );
    box.append(make("div", {}, ...cells));
  }
}

// The page itself

function describe() {
  const { name, parameters, trained_on, left_behind, facts } = about;
  const on = trained_on ? `, trained on ${trained_on}` : "";
  $("lead").textContent =
    `A transformer with ${whole(parameters)} parameters${on}. It runs inside this page, ` +
    `one ${tokenizer.unit} at a time, and nothing leaves it.`;
  $("left").hidden = !left_behind;
  $("left").textContent = left_behind;
  document.querySelectorAll(".unit").forEach((node) => (node.textContent = tokenizer.unit));
  $("at-name").textContent = `Look at ${tokenizer.unit}`;
  $("span").textContent = plural(BACK, tokenizer.unit);
  for (const [term, value] of Object.entries({ Name: name, ...facts }))
    $("facts").append(make("dt", { textContent: term }), make("dd", { textContent: value }));
}

function show_knobs() {
  const k = top_k() === vocab_size ? `all ${whole(vocab_size)}` : whole(top_k());
  $("temperature-value").textContent = temperature() ? temperature().toFixed(1) : "0: the likeliest";
  $("top-k-value").textContent = k;
  $("top-k").setAttribute("aria-valuetext", k);
  if (model) look();
}

function listen() {
  $("generate").addEventListener("click", () => generate());
  $("more").addEventListener("click", () => {
    begin((allowed) => write(Number($("length").value), allowed));
  });
  $("stop").addEventListener("click", () => turn++);
  $("prompt").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    generate();
  });
  for (const id of ["temperature", "top-k"]) $(id).addEventListener("input", show_knobs);
  $("at").addEventListener("input", () => go_to($("at").value - 1));
  const place = (event) => event.target.dataset.i && Number(event.target.dataset.i);
  const text = $("text");
  text.addEventListener("pointerover", (event) => ((hovered = place(event) ?? null), look()));
  text.addEventListener("pointerleave", () => ((hovered = null), look()));
  text.addEventListener("click", (event) => place(event) !== undefined && go_to(place(event)));
  text.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) event.preventDefault(), go_to(pinned + step);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", look);
}

function go_to(i) {
  pinned = Math.min(Math.max(i, 0), tokens.length - 1);
  hovered = null;
  look();
}

/** Build the model; the text begins by itself unless less motion is wanted. */
async function open_page() {
  describe();
  build_heads();
  $("top-k").max = $("top-k").value = top_ks.length - 1;
  show_knobs();
  const tensors = await unpack($("weights").textContent, about.tensors);
  $("weights").remove(); // its memory is not needed twice
  model = new Transformer(about.config, tensors);
  listen();
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  await generate(still ? 0 : 200);
}

const ready = new Promise((resolve) => addEventListener("DOMContentLoaded", resolve))
  .then(open_page)
  .catch((error) => ($("status").textContent = `This browser cannot run the model: ${error.message}`));
