// The lab in the browser: controls, the chart, its legend and table.
// Python sends what is new (panel.py, chart.py); this draws it and says what was pressed.

const BUTTONS = {
  Start: "start or resume the training",
  Pause: "pause after this step; Start resumes",
  Step: "take one step",
  Stop: "end this run and measure the whole validation split",
  Reset: "back to the first weights and knobs, for another run on the same batches",
  "Keep this run": "keep its curve in the chart for comparison",
};
// A rate is moved by factors: its slider is the logarithm.
const KNOBS = {
  dropout: { label: "dropout", min: 0, max: 0.6, step: 0.05 },
  lr_scale: { label: "learning rate ×", min: -1, max: 1, step: 0.1, log: true },
  weight_decay: { label: "weight decay", min: 0, max: 2, step: 0.05 },
};
const COLOURS = {
  light: { train: "#0072B2", val: "#D55E00", valText: "#B34F00", lr: "#6B4FBB", norm: "#666666",
    kept: ["#00734F", "#A8407A", "#7A6000", "#4F58B5", "#A03030", "#2F6B78"] },
  dark: { train: "#6CBDF0", val: "#FF9A4D", valText: "#FF9A4D", lr: "#B9A6F5", norm: "#A8A8A8",
    kept: ["#4FD1A0", "#F29BCB", "#E5CB55", "#A9B4FF", "#FF9C9C", "#8FD0DC"] },
};
const DASHES = ["7 3", "3 3", "10 3 2 3", "14 4", "2 2", "6 2 2 2 2 2"];
const ALIVE = ["running", "measuring"];
const QUIET_MS = 10000; // without news for so long a running lab is asked; then given up

export default () => {
  let store;
  return {
    initialize({ model, signal }) { store = new Store(model, signal); },
    render({ el, signal }) { new View(store, el, signal); },
  };
};

// ---- what is known of the lab, and how the reader wants to see it
class Store {
  constructor(model, signal) {
    this.model = model;
    this.views = new Set();
    this.hidden = new Set();
    this.look = { log: false, smooth: 25, all: false, sample: true };
    this.number = 0; // of the last knob set here
    this.clear();
    model.on("msg:custom", (message) => this.hear(message));
    model.on("comm_live_update", () => this.doubt());
    const timer = setInterval(() => this.watch(), 2000);
    signal?.addEventListener("abort", () => clearInterval(timer));
    this.say({ do: "hello" });
  }
  clear() {
    Object.assign(this, { loss: [], lr: [], norm: [], strides: {}, checks: [], turns: [] });
  }
  say(content) {
    try {
      this.model.send(content);
    } catch {
      this.lose();
    }
  }
  hear(message) {
    this.at = Date.now();
    this.lost = this.asked = false;
    if (message.refused) this.refused = message.refused;
    else this.refused = message.state ? "" : this.refused;
    if (message.whole) this.clear();
    for (const name of ["loss", "lr", "norm"]) {
      const part = message[name];
      if (part && !this.add(this[name], part.from, part.means)) return;
      if (part) this.strides[name] = part.stride;
    }
    if (message.checks && !this.add(this.checks, message.checks.from, message.checks.rows)) return;
    const small = ["turns", "steps", "unit", "kept", "state", "waited", "enabled", "trouble"];
    for (const name of [...small, "offer", "sample", "name", "now"])
      if (name in message) this[name] = message[name];
    this.heard = message.heard ?? this.heard;
    if (message.knobs) this.knobs = message.knobs;
    this.redraw();
  }
  // Replace a list's end; a gap means that a message was missed.
  add(list, from, values) {
    if (from > list.length) { this.say({ do: "hello" }); return false; }
    list.splice(from, Infinity, ...values);
    return true;
  }
  watch() {
    if (this.lost || !ALIVE.includes(this.state) || Date.now() - this.at < QUIET_MS) return;
    if (this.asked) this.lose();
    else this.doubt();
  }
  doubt() {
    this.asked = true;
    const before = this.at;
    this.say({ do: "hello" });
    setTimeout(() => this.at === before && this.asked && this.lose(), 5000);
  }
  lose() { this.lost = true; this.redraw(); }
  redraw() { for (const view of this.views) view.dirty(); }
  smoothed() {
    const width = Math.max(1, Math.round(this.look.smooth / (this.strides.loss || 1)));
    let sum = 0;
    return this.loss.map((value, i) => {
      sum += value - (i >= width ? this.loss[i - width] : 0);
      return sum / Math.min(i + 1, width);
    });
  }
  steps_of(name) { // the middle of each stretch
    const stride = this.strides[name] || 1;
    return (i) => i * stride + (stride + 1) / 2;
  }
}

// ---- small helpers
const escaped = (text) => String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const whole = (n) => Math.round(n).toLocaleString("en-US");
const clock = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;
const short = (v) => (v >= 0.01 && v < 1000 ? v.toPrecision(3) : v.toExponential(1));
const make = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  node.append(...children.filter((child) => child != null));
  return node;
};
const pen = document.createElement("canvas").getContext("2d");
const width_of = (text, font = "12px system-ui, sans-serif") => {
  pen.font = font;
  return pen.measureText(text).width;
};
const wrapped = (text, most) => {
  const lines = [""];
  for (const word of text.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`.trim();
    if (width_of(longer) <= most || !lines.at(-1)) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
};
const ticks = (low, high, count) => {
  const power = 10 ** Math.floor(Math.log10((high - low) / count));
  const tick = [1, 2, 5, 10].map((m) => m * power).find((t) => (high - low) / t <= count * 1.4);
  const first = Math.ceil(low / tick - 1e-9), last = Math.floor(high / tick + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => (first + i) * tick);
};
const text = (x, y, words, colour, more = "") =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" fill="${colour}" ${more}>${escaped(words)}</text>`;
const line = (x1, y1, x2, y2, colour, more = "") =>
  `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="${colour}" ${more}/>`;

// ---- the panel
class View {
  constructor(store, el, signal) {
    this.store = store;
    this.root = make("div", { class: "gpt-lab", role: "group", "aria-label": "training lab",
      "data-lm-suppress-shortcuts": "true" });
    this.build();
    el.append(this.root);
    store.views.add(this);
    const size = new ResizeObserver(() => this.dirty());
    size.observe(this.root);
    const theme = new MutationObserver(() => this.dirty());
    for (const node of [document.body, document.documentElement]) theme.observe(node, { attributes: true });
    signal?.addEventListener("abort", () => {
      store.views.delete(this);
      size.disconnect();
      theme.disconnect();
    });
    this.dirty();
  }
  press(button) { this.store.refused = ""; this.store.say({ do: "press", button }); }

  build() {
    const { store } = this, { look } = store;
    const button = (name, more = {}) =>
      make("button", { type: "button", title: BUTTONS[name], onclick: () => this.press(name), ...more }, name);
    this.buttons = Object.fromEntries(Object.keys(BUTTONS).map((name) => [name, button(name)]));
    this.buttons.Start.className = "main";
    this.offer = make("p");
    this.offer_box = make("div", { class: "offer", role: "alert", hidden: true }, this.offer,
      make("div", { class: "row" }, button("Show the running one", { class: "main" }), button("Start anew")));
    this.sliders = Object.fromEntries(Object.keys(KNOBS).map((name) => [name, this.slider(name)]));
    const knobs = Object.values(this.sliders).map((slider) => slider.label);
    this.state = make("span", { class: "state", role: "status", "aria-live": "polite" });
    this.progress = make("progress", { "aria-label": "steps done", max: 1, value: 0 });
    this.numbers = make("span", { class: "numbers" });
    this.trouble = make("div", { class: "trouble", role: "alert" });
    const option = (label, name) => make("label", {}, make("input", { type: "checkbox", checked: look[name],
      onchange: (e) => { look[name] = e.target.checked; store.redraw(); } }), label);
    const widths = [1, 10, 25, 50, 100].map((n) => make("option", { value: n, selected: n === look.smooth },
      n === 1 ? "none" : `${n} steps`));
    const smooth = make("select", { "aria-label": "smoothing of the batches' loss",
      onchange: (e) => { look.smooth = +e.target.value; store.redraw(); } }, ...widths);
    this.legend = make("div", { class: "row", role: "group", "aria-label": "lines shown" });
    const save = (name, how) => make("button", { type: "button", class: "bare",
      "aria-label": `download the chart as ${name}`, onclick: how }, `↓ ${name}`);
    this.svg = make("div", { class: "chart" });
    this.values = make("div", { class: "values", hidden: true });
    this.spoken = make("div", { class: "unseen", role: "status", "aria-live": "polite" });
    this.table = make("div");
    this.sample = make("pre");
    this.sample_head = make("summary");
    this.sample_box = make("details", { open: look.sample,
      ontoggle: () => { look.sample = this.sample_box.open; } }, this.sample_head, this.sample);
    this.root.append(this.offer_box,
      make("div", {}, make("div", { class: "row controls", role: "toolbar", "aria-label": "training" },
        ...Object.values(this.buttons)), make("div", { class: "knobs controls" }, ...knobs)),
      make("div", { class: "row status" }, this.state, this.progress, this.numbers), this.trouble,
      make("div", { class: "row tools" }, this.legend, make("div", { class: "row end" },
        option("log scale", "log"), option("all steps", "all"), make("label", {}, "smooth ", smooth),
        save("CSV", () => this.save_csv()), save("PNG", () => this.save_png()))),
      this.svg, this.spoken, this.table, this.sample_box);
    this.listen_to_pointer();
  }

  slider(name) {
    const knob = KNOBS[name], { store } = this;
    const value = () => (knob.log ? 10 ** +input.value : +input.value);
    const show = () => {
      output.value = value().toFixed(2);
      input.setAttribute("aria-valuetext", output.value);
    };
    const input = make("input", { type: "range", min: knob.min, max: knob.max, step: knob.step,
      "aria-label": knob.label, oninput: show,
      onchange: () => store.say({ do: "set", knob: name, value: value(), number: ++store.number }) });
    const output = make("output");
    input.addEventListener("pointerdown", () => { input.held = true; });
    for (const end of ["pointerup", "pointercancel", "blur"]) input.addEventListener(end, () => { input.held = false; });
    const set = (to) => {
      const at = knob.log ? Math.log10(Math.max(to, 1e-3)) : to;
      input.min = Math.min(input.min, at);
      input.max = Math.max(input.max, at);
      // A value between two of the slider's own stays as it is.
      input.step = Math.abs((at - knob.min) / knob.step % 1 - 0.5) < 0.49 ? "any" : knob.step;
      input.value = at;
      show();
    };
    return { input, set, label: make("label", {}, make("span", {}, knob.label), output, input) };
  }

  dirty() {
    if (this.waiting) return;
    this.waiting = true;
    const draw = () => { this.waiting = false; this.draw(); };
    document.hidden ? setTimeout(draw, 100) : requestAnimationFrame(draw);
  }

  draw() {
    const { store } = this;
    if (!this.root.isConnected || !store.now) return;
    this.theme = dark(this.root) ? "dark" : "light";
    this.root.dataset.theme = this.theme;
    this.colours = COLOURS[this.theme];
    this.draw_controls();
    this.draw_legend();
    this.draw_table();
    this.draw_chart();
    this.point();
  }

  draw_controls() {
    const { store } = this, { now } = store, state = store.lost ? "lost" : store.state;
    for (const [name, button] of Object.entries(this.buttons))
      button.disabled = store.lost || !store.enabled[name];
    const again = now.step > 0 && store.state === "paused";
    put(this.buttons.Start, again ? "Resume" : "Start");
    for (const [name, { input, set }] of Object.entries(this.sliders)) {
      input.disabled = !!store.lost;
      if (!input.held && store.heard >= store.number) set(store.knobs[name]);
    }
    this.offer_box.hidden = !store.offer || !!store.lost;
    put(this.offer, `${store.offer} Show it here, or start anew (as lab.start() does)?`);
    const waits = store.waited && state === "paused" ? "; a cell waits: Resume lets it go on" : "";
    const where = ["paused", "failed", "stopped"].includes(state) ? ` after step ${whole(now.step)}` : "";
    put(this.state, state === "lost" ? "no kernel" : state + where + waits);
    this.state.dataset.state = state;
    this.progress.max = store.steps;
    this.progress.value = now.step;
    const words = [`step ${whole(now.step)} of ${whole(store.steps)}`, `${clock(now.elapsed)} elapsed`];
    if (state === "running" && now.left != null) words.push(`${clock(now.left)} left`, `${whole(now.speed)} tokens/s`);
    if (now.gap != null) words.push(`gap ${now.gap < 0 ? "−" : "+"}${Math.abs(now.gap).toFixed(3)}`);
    if (now.whole != null) words.push(`whole validation split ${now.whole.toFixed(3)}`);
    put(this.numbers, words.join(" · "));
    const gone = "No news from the kernel: it was restarted or is busy. If it was restarted, run this cell again.";
    put(this.trouble, store.lost ? gone : store.refused || store.trouble);
    this.sample_box.hidden = !store.sample;
    put(this.sample_head, "What the model writes now (every 250 steps)");
    put(this.sample, store.sample);
  }

  // The lines of the chart: key, name, colour, points (step, value).
  lines() {
    const { store, colours } = this, step = store.steps_of("loss");
    const of = (column) => store.checks.map((row) => [row[0], row[column]]);
    const own = [
      { key: "batches", name: "batches", colour: colours.train, faint: true,
        points: store.smoothed().map((loss, i) => [step(i), loss]) },
      { key: "train", name: "train", colour: colours.train, points: of(1) },
      { key: "val", name: "val", colour: colours.val, ink: colours.valText, points: of(2) },
    ];
    const kept = store.kept.map((run) => {
      const i = this.place(run.name);
      return { key: `kept ${run.name}`, name: run.name, colour: colours.kept[i], dashes: DASHES[i],
        points: run.rows.map((row) => [row[0], row[2]]), run };
    });
    return [...own, ...kept];
  }
  // A kept run has its colour for life, whatever becomes of the others.
  place(name) {
    const places = (this.store.places ??= new Map());
    if (!places.has(name)) places.set(name, places.size % DASHES.length);
    return places.get(name);
  }
  toggle(line) {
    const { hidden } = this.store;
    hidden.has(line.key) ? hidden.delete(line.key) : hidden.add(line.key);
    this.store.redraw();
  }
  toggle_button(line) {
    const sign = make("i", { style: `border-color:${line.colour};border-top-style:${line.dashes ? "dashed" : "solid"};`
      + (line.faint ? "border-top-width:1px" : "") });
    return make("button", { type: "button", class: "bare toggle", "aria-pressed": String(!this.store.hidden.has(line.key)),
      "data-key": line.key, onclick: () => this.toggle(line) }, sign, line.name);
  }
  draw_legend() {
    const lines = this.lines().slice(0, 3);
    renew(this.legend, [this.theme, ...this.store.hidden], () => lines.map((line) => this.toggle_button(line)));
  }

  draw_table() {
    const { store } = this, kept = this.lines().slice(3);
    const shape = [this.theme, this.renaming, ...store.hidden, ...store.kept.map((run) => JSON.stringify([run.name, run.best, run.whole]))];
    renew(this.table, shape, () => (kept.length ? [this.table_of(kept)] : []));
  }
  table_of(lines) {
    const { store } = this;
    const head = ["kept run", "steps", "best val", "at step", "gap there", "gap at the end", "whole val", ""];
    const rows = lines.map((line) => {
      const { run } = line, last = run.rows.at(-1), best = run.rows.find((row) => row[0] === run.best[0]);
      const gap = (row) => (row[2] - row[1] < 0 ? "−" : "+") + Math.abs(row[2] - row[1]).toFixed(3);
      const cells = [whole(run.done), run.best[1].toFixed(3), whole(run.best[0]), gap(best), gap(last),
        run.whole == null ? "–" : run.whole.toFixed(3)];
      const act = (label, sign, how) => make("button", { type: "button", class: "bare", title: label,
        "aria-label": `${label} ${run.name}`, onclick: how }, sign);
      const tools = make("td", {}, act("rename", "✎", () => { this.renaming = run.name; this.dirty(); }),
        act("delete", "✕", () => store.say({ do: "delete", name: run.name })));
      const name = this.renaming === run.name ? this.name_field(run.name) : this.toggle_button(line);
      return make("tr", {}, make("td", {}, name), ...cells.map((cell) => make("td", {}, cell)), tools);
    });
    return make("table", { class: "runs" }, make("thead", {}, make("tr", {},
      ...head.map((name) => make("th", { scope: "col" }, name || make("span", { class: "unseen" }, "change"))))),
      make("tbody", {}, ...rows));
  }
  name_field(name) {
    const end = (to) => {
      if (this.renaming !== name) return;
      this.renaming = null;
      if (to && to !== name) {
        this.store.places.set(to, this.place(name));
        this.store.say({ do: "rename", name, to });
      }
      this.dirty();
    };
    const field = make("input", { type: "text", "aria-label": `new name of ${name}`, value: name,
      onkeydown: (e) => e.key === "Enter" ? end(field.value.trim()) : e.key === "Escape" && end(),
      onblur: () => end(field.value.trim()) });
    setTimeout(() => field.select());
    return field;
  }

  // ---- the chart
  scales() {
    const { store } = this, shown = this.lines().filter((l) => !store.hidden.has(l.key) && l.points.length);
    const ends = [store.now.step, ...store.kept.map((run) => run.done)];
    const last = store.look.all ? Math.max(store.steps, ...store.kept.map((run) => run.steps)) : Math.max(50, ...ends);
    const values = shown.flatMap((l) => l.points.filter((p) => p[0] > last / 12).map((p) => p[1]));
    const late = shown.filter((l) => !l.faint).flatMap((l) => l.points.filter((p) => p[0] > last / 12).map((p) => p[1]));
    let low = Math.min(...(values.length ? values : [1.2])), high = Math.max(...(late.length ? late : values), low + 0.1);
    if (!values.length) high = 4.4;
    // The first steps' losses are high and would flatten everything after them.
    [low, high] = [Math.max(0.01, low - 0.06 * (high - low)), high + 0.12 * (high - low)];
    const labels = shown.filter((l) => !l.faint).map((l) => this.end_label(l));
    const W = Math.max(320, this.svg.clientWidth), most = Math.min(230, 0.27 * W);
    const right = 14 + Math.max(60, ...labels.map((label) => Math.min(most, width_of(label) * 1.07)));
    const turns = this.rows_of_turns(W, right, last);
    const top = 30 + 15 * turns.rows, box = { W, left: 50, right, top, bottom: top + 250 };
    const X = (step) => box.left + (W - box.left - right) * step / last;
    const f = store.look.log ? Math.log : (v) => v;
    const Y = (v) => box.bottom - (box.bottom - top) * (f(v) - f(low)) / (f(high) - f(low));
    return { shown, last, low, high, X, Y, turns, most, ...box };
  }
  end_label(line) {
    const [, value] = line.points.at(-1);
    return `${line.name} ${value.toFixed(2)}`;
  }
  // Labels of turned knobs go into rows above the plot, so that none lies on another.
  rows_of_turns(W, right, last) {
    const ends = [], marks = [];
    for (const [step, words] of this.store.turns) {
      const x = 50 + (W - 50 - right) * step / last, wide = width_of(words) * 1.07 + 12;
      const start = Math.max(50, Math.min(x, W - wide));
      let row = ends.findIndex((end) => end < start);
      if (row < 0) row = ends.length;
      if (row < 4) ends[row] = start + wide;
      marks.push({ x, start, row: row < 4 ? row : null, words, step });
    }
    return { rows: ends.length, marks };
  }

  draw_chart() {
    const s = (this.scale = this.scales()), { store, colours } = this;
    const style = getComputedStyle(this.root);
    const ink = style.color, bg = style.backgroundColor, quiet = mixed(ink, bg, 0.76), rule = mixed(ink, bg, 0.13);
    const height = s.bottom + 150, edge = s.W - s.right;
    const rim = `stroke="${bg}" stroke-width="3.5" paint-order="stroke" stroke-linejoin="round"`;
    const out = [`<rect width="${s.W}" height="${height}" fill="${bg}"/>`];
    const inside = `gpt-lab-${Math.round(s.W)}-${Math.round(s.top)}-${Math.round(s.right)}`;
    out.push(`<clipPath id="${inside}"><rect x="${s.left}" y="${s.top - 6}" width="${edge - s.left}" height="${s.bottom - s.top + 6}"/></clipPath>`);
    out.push(text(4, 15, `loss (nats per ${store.unit || "token"}) – better ↓`, quiet));
    const y_ticks = ticks(s.low, s.high, 6), digits = y_ticks[1] - y_ticks[0] < 0.1 ? 2 : 1;
    for (const v of y_ticks) {
      out.push(line(s.left, s.Y(v), edge, s.Y(v), rule));
      out.push(text(s.left - 8, s.Y(v) + 4, v.toFixed(digits), quiet, 'text-anchor="end"'));
    }
    for (const { x, start, row, words, step } of s.turns.marks) {
      const y = row == null ? s.top : 33 + 15 * row;
      out.push(line(x, y - (row == null ? 0 : 9), x, s.bottom + 96, quiet, `stroke-dasharray="4 3" opacity="0.8"`));
      if (row != null) out.push(text(start + 4, y, words, ink, rim));
      else out.push(`<circle cx="${x}" cy="${s.top}" r="3" fill="${quiet}"><title>${escaped(`${words} at step ${step}`)}</title></circle>`);
    }
    const path = (points, Y = s.Y) => points.map(([step, v]) => `${s.X(step).toFixed(1)},${Y(v).toFixed(1)}`).join(" ");
    const curve = (l) => `<polyline data-key="${escaped(l.key)}" points="${path(l.points)}" fill="none" stroke="${l.colour}" `
      + `stroke-width="${l.faint ? 1 : l.run ? 1.8 : 2.4}" ${l.faint ? 'opacity="0.5"' : ""} stroke-linejoin="round" ${l.dashes ? `stroke-dasharray="${l.dashes}"` : ""}/>`;
    const by = Object.fromEntries(s.shown.map((l) => [l.key, l]));
    const gap = by.train && by.val ? `<polygon points="${path([...by.train.points, ...by.val.points.toReversed()])}" fill="${colours.val}" opacity="0.13"/>` : "";
    const own_last = [...s.shown.filter((l) => l.run), ...s.shown.filter((l) => !l.run)];
    out.push(`<g clip-path="url(#${inside})">${gap}${own_last.map(curve).join("")}</g>`);
    if (by.val) {
      const best = by.val.points.reduce((a, b) => (b[1] < a[1] ? b : a)), [x, y] = [s.X(best[0]), s.Y(best[1])];
      out.push(`<circle cx="${x}" cy="${y}" r="5" fill="none" stroke="${colours.val}" stroke-width="1.6"/>`);
      const middle = Math.max(s.left + 50, Math.min(x, edge - 52));
      out.push(text(middle, Math.min(y + 20, s.bottom - 5), `best val ${best[1].toFixed(3)}`, colours.valText, `text-anchor="middle" ${rim}`));
    }
    out.push(this.end_labels(s));
    out.push(line(s.left, s.bottom, edge, s.bottom, quiet), this.lower_panel(s, { ink, quiet, rule, rim, path }));
    for (const v of ticks(0, s.last, Math.max(3, s.W / 130)))
      out.push(text(s.X(v), s.bottom + 114, whole(v), quiet, 'text-anchor="middle"'));
    out.push(text((s.left + edge) / 2, s.bottom + 134, "step", quiet, 'text-anchor="middle"'), '<g class="cross"></g>');
    if (!store.now.step && !store.kept.length)
      out.push(text((s.left + edge) / 2, (s.top + s.bottom) / 2, "Start, then turn the knobs while it trains", quiet, 'text-anchor="middle" font-size="14"'));
    if (!this.picture) {
      this.svg.innerHTML = '<svg xmlns="http://www.w3.org/2000/svg" tabindex="0" role="img"></svg>';
      this.picture = this.svg.firstChild;
      this.svg.append(this.values);
      this.listen_to_keys();
    }
    this.picture.setAttribute("viewBox", `0 0 ${s.W} ${height}`);
    this.picture.setAttribute("aria-label", `loss against step; ${s.shown.filter((l) => !l.faint).map((l) => this.end_label(l)).join(", ") || "nothing yet"}. Left and right arrow read the values.`);
    this.picture.innerHTML = out.join("");
  }
  // At the end of each line, moved apart where ends are close together.
  end_labels(s) {
    const labels = s.shown.filter((l) => !l.faint).map((l) => {
      const [step, v] = l.points.at(-1);
      return { x: s.X(step) + 8, y: s.Y(v), lines: wrapped(this.end_label(l), s.most), colour: l.ink || l.colour };
    }).sort((a, b) => a.y - b.y);
    const height = (l) => 14 * l.lines.length + 2;
    let lowest = s.top - 8;
    for (const l of labels) { l.y = Math.max(l.y, lowest); lowest = l.y + height(l); }
    let highest = s.bottom + 14; // those pushed below the plot come back up
    for (const l of labels.toReversed()) { l.y = Math.min(l.y, highest - height(l)); highest = l.y; }
    return labels.map((l) => l.lines.map((words, i) => text(l.x, l.y + 4 + 14 * i, words, l.colour, 'font-weight="600"')).join("")).join("");
  }
  // Learning rate (left) and the gradient's norm (right), each from zero to its largest.
  lower_panel(s, { quiet, rule, rim, path }) {
    const { store, colours } = this, top = s.bottom + 40, bottom = s.bottom + 96, edge = s.W - s.right;
    const out = [line(s.left, top, edge, top, rule), line(s.left, bottom, edge, bottom, quiet)];
    for (const [name, words, x, anchor] of [["norm", "gradient norm", edge, "end"], ["lr", "learning rate", s.left, "start"]]) {
      const most = Math.max(...store[name], 1e-9), step = store.steps_of(name), colour = colours[name];
      const points = store[name].map((v, i) => [step(i), v]), Y = (v) => bottom - (bottom - top) * v / most;
      out.push(`<polyline points="${path(points, Y)}" fill="none" stroke="${colour}" stroke-width="1.4"/>`);
      const shown = points.length ? ` (top ${short(most)}, now ${short(points.at(-1)[1])})` : "";
      out.push(text(x, top - 7, words + shown, colour, `text-anchor="${anchor}" ${rim}`));
    }
    return out.join("");
  }

  // ---- reading values: by pointer, or with the arrow keys
  listen_to_pointer() {
    this.svg.addEventListener("pointermove", (e) => {
      const box = this.picture.getBoundingClientRect(), s = this.scale;
      const x = (e.clientX - box.left) * s.W / box.width;
      this.at = x < s.left - 4 || x > s.W - s.right + 8 ? null : (x - s.left) / (s.W - s.left - s.right) * s.last;
      this.point();
    });
    this.svg.addEventListener("pointerleave", () => { this.at = null; this.point(); });
  }
  listen_to_keys() {
    this.picture.addEventListener("keydown", (e) => {
      const steps = this.read_steps(), i = steps.indexOf(this.nearest(steps));
      const to = { ArrowLeft: i - 1, ArrowRight: this.at == null ? 0 : i + 1, Home: 0, End: steps.length - 1 }[e.key];
      if (e.key === "Escape") this.at = null;
      else if (to === undefined || !steps.length) return;
      else this.at = steps[Math.max(0, Math.min(to, steps.length - 1))];
      e.preventDefault();
      this.point();
      put(this.spoken, this.values.hidden ? "" : this.values.innerText);
    });
    this.picture.addEventListener("blur", () => { this.at = null; this.point(); });
  }
  read_steps() {
    const steps = [this.store.checks, ...this.store.kept.map((run) => run.rows)].flat().map((row) => row[0]);
    return [...new Set(steps)].sort((a, b) => a - b);
  }
  nearest(steps) {
    return steps.reduce((a, b) => (Math.abs(b - this.at) < Math.abs(a - this.at) ? b : a), steps[0]);
  }
  point() {
    const { store, scale: s } = this, steps = s && this.at != null ? this.read_steps() : [];
    this.values.hidden = !steps.length;
    const cross = this.picture?.querySelector(".cross");
    if (!cross) return;
    cross.innerHTML = "";
    if (!steps.length) return;
    const step = this.nearest(steps), x = s.X(step), rows = [];
    const own = store.checks.find((row) => row[0] === step);
    for (const l of s.shown.filter((l) => !l.faint)) {
      const hit = l.points.find((p) => p[0] === step);
      if (!hit) continue;
      const low = l.run && `${l.name}, train`;
      rows.push([l.colour, l.run ? `${l.name}, val` : l.name, hit[1].toFixed(3)]);
      if (low) rows.push([null, low, l.run.rows.find((row) => row[0] === step)[1].toFixed(3)]);
      cross.innerHTML += `<circle cx="${x}" cy="${s.Y(hit[1])}" r="4" fill="${l.colour}"/>`;
    }
    if (own?.[3] != null) rows.push([null, "batches since the last", own[3].toFixed(3)], [null, "learning rate", short(own[4])], [null, "gradient norm", short(own[5])]);
    const turned = store.turns.filter(([at]) => Math.abs(at - step) <= 25).map(([at, words]) => [null, `at ${whole(at)}`, words]);
    cross.innerHTML += line(x, s.top - 4, x, s.bottom + 96, getComputedStyle(this.root).color, 'opacity="0.6"');
    const cell = ([colour, name, value]) => `<tr><td>${colour ? `<span style="color:${colour}">●</span> ` : ""}${escaped(name)}</td><td>${escaped(value)}</td></tr>`;
    this.values.innerHTML = `<b>step ${whole(step)}</b><table>${[...rows, ...turned].map(cell).join("")}</table>`;
    const share = x / s.W;
    Object.assign(this.values.style, share < 0.5 ? { left: `calc(${100 * share}% + 14px)`, right: "auto" } : { right: `calc(${100 - 100 * share}% + 14px)`, left: "auto" });
  }

  // ---- files
  save_csv() {
    const { store } = this, quote = (name) => `"${name.replaceAll('"', '""')}"`;
    const runs = [[`${store.name} (this run)`, store.checks], ...store.kept.map((run) => [run.name, run.rows])];
    const rows = runs.flatMap(([name, checks]) => checks.map((row) => [quote(name), ...row.map((v) => v ?? "")].join(",")));
    const head = "run,step,train,val,mean_batch_loss,learning_rate,gradient_norm";
    save("training.csv", new Blob([[head, ...rows].join("\n") + "\n"], { type: "text/csv" }));
  }
  save_png() {
    const copy = this.picture.cloneNode(true), [, , w, h] = copy.getAttribute("viewBox").split(" ").map(Number);
    for (const [name, value] of Object.entries({ width: 2 * w, height: 2 * h, style: `font:12px ${getComputedStyle(this.root).fontFamily}` }))
      copy.setAttribute(name, value);
    const image = new Image(), canvas = Object.assign(document.createElement("canvas"), { width: 2 * w, height: 2 * h });
    image.onload = () => {
      canvas.getContext("2d").drawImage(image, 0, 0);
      canvas.toBlob((blob) => save("training.png", blob));
    };
    image.src = `data:image/svg+xml,${encodeURIComponent(new XMLSerializer().serializeToString(copy))}`;
  }
}

const save = (name, blob) => {
  const link = make("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
};
// Write only what has changed: a live region speaks at each change, a field keeps its caret.
const put = (node, words) => { if (node.textContent !== words) node.textContent = words; };
const renew = (node, shape, children) => {
  const key = JSON.stringify(shape);
  if (node.dataset.shape === key) return;
  node.dataset.shape = key;
  const focused = node.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  node.replaceChildren(...children());
  const again = [...node.querySelectorAll("button")].find((button) => focused && button.dataset.key === focused);
  (node.querySelector("input") || again)?.focus();
};
// A computed colour as [r, g, b], whatever notation the browser gives it in.
const rgb = (colour) => {
  pen.clearRect(0, 0, 1, 1);
  pen.fillStyle = colour;
  pen.fillRect(0, 0, 1, 1);
  return [...pen.getImageData(0, 0, 1, 1).data.slice(0, 3)];
};
const mixed = (a, b, share) => {
  const [from, to] = [rgb(a), rgb(b)];
  return `rgb(${from.map((v, i) => Math.round(share * v + (1 - share) * to[i])).join(",")})`;
};
const dark = (node) => rgb(getComputedStyle(node).backgroundColor).reduce((a, b) => a + b) < 384;
