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
    this.places = new Map();
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
  // A kept run has its colour for life, whatever becomes of the others.
  place(name) {
    if (!this.places.has(name)) this.places.set(name, this.places.size % DASHES.length);
    return this.places.get(name);
  }
  steps_of(name) { // the middle of each stretch
    const stride = this.strides[name] || 1;
    return (i) => i * stride + (stride + 1) / 2;
  }
}

// ---- the panel
class View {
  constructor(store, el, signal) {
    this.store = store;
    this.root = make("div", { class: "gpt-lab", role: "group", "aria-label": "training lab" });
    this.build();
    el.append(this.root);
    store.views.add(this);
    const size = new ResizeObserver(() => this.dirty());
    size.observe(this.root);
    const theme = new MutationObserver(() => this.dirty());
    for (const node of [document.body, document.documentElement]) theme.observe(node, { attributes: true });
    // JupyterLab takes plain keys for its shortcuts; Shift+Enter and its like stay its own.
    const keys = (e) => this.root.contains(e.target)
      && e.target.toggleAttribute("data-lm-suppress-shortcuts", !(e.shiftKey || e.ctrlKey || e.metaKey));
    window.addEventListener("keydown", keys, true);
    signal?.addEventListener("abort", () => {
      window.removeEventListener("keydown", keys, true);
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
    this.chart = new Chart(store, this.root);
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
        save("CSV", () => save_csv(store)), save("PNG", () => this.chart.save_png()))),
      this.chart.box, this.table, this.sample_box);
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
    this.lines = lines_of(this.store, COLOURS[this.theme]);
    this.draw_controls();
    this.draw_legend();
    this.draw_table();
    this.chart.draw(this.lines, COLOURS[this.theme]);
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
    put(this.sample_head, "What the model generates, renewed every 250 steps");
    put(this.sample, store.sample);
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
    const lines = this.lines.slice(0, 3);
    renew(this.legend, [this.theme, ...this.store.hidden], () => lines.map((line) => this.toggle_button(line)));
  }

  draw_table() {
    const { store } = this, kept = this.lines.slice(3);
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
        this.store.places.set(to, this.store.place(name));
        this.store.say({ do: "rename", name, to });
      }
      this.dirty();
    };
    const field = make("input", { type: "text", "aria-label": `new name of ${name}`, value: name,
      onkeydown: (e) => e.key === "Enter" ? end(field.value.trim()) : e.key === "Escape" && end(),
      onblur: () => end(field.value.trim()) });
    return field;
  }
}
