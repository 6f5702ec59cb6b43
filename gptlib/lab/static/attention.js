// Attention to touch: one character looks back; arcs, numbers, every head, what follows.
// Python puts box.js before this. Texts become nodes, never markup: nothing is injected.

const GAP = 34; // pixels between two numbers under the text
const SMALLEST = 7.2; // pixels per character: below that the text gets one more line
const BLANK = /[·⏎]$/; // where a line may end
const LEAST = 0.02; // a smaller weight has neither arc nor number
let views = 0; // numbers what needs a name of its own on the page

function render({ model, el }) {
  const box = frame(el, "Attention");
  box.classList.add("gpt-att");
  const view = { model, id: `gpt-att-${++views}`, ...data(model), hovered: null };
  view.at = () => view.hovered ?? model.get("position");
  view.row = (layer, head, t) => view.maps[layer * view.heads + head].rows[t];
  view.looks = () => view.row(model.get("layer"), model.get("head"), view.at());
  view.set = (changes) => {
    for (const [name, value] of Object.entries(changes)) model.set(name, value);
    model.save_changes();
    view.draw();
  };

  const said = make("div", { className: "gpt-att-said" });
  const text = reader(view);
  const heads = picker(view);
  const panels = make("div", { className: "gpt-att-panels" }, heads.node);
  const next = model.get("expected").length ? nextTokens(view) : null;
  if (next) panels.append(next.node);
  const hint = make("div", { className: "gpt-att-hint" }, ...legend(view));
  box.append(said, make("div", { className: "gpt-att-main" }, text.node, panels), hint);

  view.draw = () => {
    said.replaceChildren(...sentence(view));
    for (const part of [text, heads, next]) part?.draw();
  };
  for (const trait of ["position", "layer", "head"]) model.on(`change:${trait}`, view.draw);
  const watcher = new ResizeObserver(() => text.draw());
  watcher.observe(text.node);
  view.draw();
  return () => watcher.disconnect();
}

/** The weights of each head as rows that end at the own position. */
function data(model) {
  const labels = model.get("labels"), [layers, heads] = model.get("shape");
  const bytes = model.get("weights");
  let read = 0;
  const next = () => bytes.getUint16(2 * read++, true) / 65535;
  const one = () => labels.map((_, t) => Array.from({ length: t + 1 }, next));
  const maps = Array.from({ length: layers * heads }, (_, i) => ({
    layer: Math.floor(i / heads), head: i % heads, rows: one(),
  }));
  const unit = labels.every((label) => [...label].length === 1) ? "character" : "token";
  return { labels, layers, heads, maps, unit };
}

// What is said

const number = (weight) => weight.toFixed(2);
const chip = (label) => make("b", { className: "gpt-att-chip" }, label);
const SPOKEN = { "·": "space", "⏎": "line end" };
const spoken = (label) => SPOKEN[label] ?? label;
const back = (t, s) => (t === s ? "itself" : `${t - s} back`);

/** Positions with the largest weights, largest first. */
const largest = (row, count, least = LEAST) =>
  [...row.keys()].filter((s) => row[s] >= least).sort((a, b) => row[b] - row[a]).slice(0, count);

function sentence(view) {
  const t = view.at(), row = view.looks(), top = largest(row, 3);
  const found = top.map((s) => [
    ...(s === t ? ["itself "] : [chip(view.labels[s]), ` ${back(t, s)} `]),
    make("span", { className: "gpt-att-weight" }, number(row[s])),
  ]);
  const others = row.length - top.length, rest = 1 - top.reduce((sum, s) => sum + row[s], 0);
  if (others && rest >= 0.01) found.push([`${others} other${others > 1 ? "s" : ""} ${number(rest)}`]);
  const listed = found.flatMap((parts, i) => {
    const end = i < found.length - 1 ? " ·" : "";
    return [make("span", { className: "gpt-att-found" }, ...parts, end), " "];
  });
  const quiet = (words) => make("span", { className: "gpt-quiet" }, words);
  const where = view.maps.length > 1 ? [quiet(`${who(view)} · `)] : [];
  return [...where, quiet(`position ${t} `), chip(view.labels[t]), " looks at ", ...listed];
}

const who = ({ model }) => `layer ${model.get("layer")}, head ${model.get("head")}`;
function described(view, row, t) {
  const place = (s) => (s === t ? "itself" : `${spoken(view.labels[s])}, ${back(t, s)}`);
  return largest(row, 3).map((s) => `${number(row[s])} on ${place(s)}`).join("; ");
}

function legend(view) {
  const keys = view.maps.length > 1 ? "; ↑ ↓ change the head" : "";
  return [
    make("span", {}, `Point at a ${view.unit}, a click keeps it; or press ← →${keys}.`),
    make("span", {}, make("i", { className: "gpt-att-blue" }), "weight: each row sums to 1"),
    make("span", {}, make("i", { className: "gpt-att-hatch" }), "the future: hidden"),
  ];
}

// The text with its arcs, numbers and heads

const makeSvg = (tag, properties, ...children) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(properties))
    node.setAttribute(name, typeof value === "number" ? +value.toFixed(2) : value);
  node.append(...children);
  return node;
};
const rect = (kind, place) => makeSvg("rect", { class: `gpt-att-${kind}`, ...place });
const words = (kind, text, place) => makeSvg("text", { class: `gpt-att-${kind}`, ...place }, text);

function reader(view) {
  const { model, labels } = view;
  const node = make("div", {
    className: "gpt-att-text", tabIndex: 0, role: "slider",
    "aria-label": `The ${view.unit} that looks back`, "aria-valuemin": 0, "aria-valuemax": labels.length - 1,
  });
  const steps = {
    ArrowLeft: ["position", -1], ArrowRight: ["position", 1], Home: ["position", -Infinity], End: ["position", Infinity],
    ArrowUp: ["head", -1], ArrowDown: ["head", 1], PageUp: ["layer", -1], PageDown: ["layer", 1],
  };
  const ends = { position: labels.length, head: view.heads, layer: view.layers };
  node.addEventListener("keydown", (event) => {
    if (!(event.key in steps) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const [trait, step] = steps[event.key];
    view.hovered = null;
    view.set({ [trait]: Math.min(ends[trait] - 1, Math.max(0, model.get(trait) + step)) });
  });
  const hover = (place) => {
    if (place === view.hovered) return;
    view.hovered = place;
    view.draw();
  };
  let places = []; // where the lines, characters and heads are: for the pointer
  const under = (event) => {
    const frame = node.getBoundingClientRect();
    const x = event.clientX - frame.left + node.scrollLeft, y = event.clientY - frame.top;
    const line = places.find((line) => y < line.bottom) ?? places.at(-1);
    const i = line.x.findIndex((left, i) => x >= left && x < left + line.widths[i]);
    const head = line.strips.findIndex((top) => y >= top && y < top + STRIP);
    return { t: i < 0 ? null : line.first + i, head }; // null: beside the text
  };
  node.addEventListener("pointermove", (event) => hover(under(event).t));
  node.addEventListener("pointerleave", () => hover(null));
  node.addEventListener("click", (event) => {
    const { t, head } = under(event);
    if (head >= 0) view.set({ head });
    else if (t !== null) view.set({ position: t });
  });
  // A short text leaves room for the panels beside it.
  const { least } = measures(view);
  node.style.flex = least > 460 ? "1 0 100%" : `0 0 ${least}px`;
  let room = 0; // as wide as it was when it could last be seen: hidden, it has no width
  const draw = () => {
    room = node.clientWidth || room;
    if (!room) return;
    const t = view.at();
    node.setAttribute("aria-valuenow", t);
    const head = view.maps.length > 1 ? `${who(view)}: ` : "";
    const looks = described(view, view.looks(), t);
    node.setAttribute("aria-valuetext", `${spoken(labels[t])}, position ${t}. ${head}${looks}`);
    const plan = layout(view, room);
    places = plan.lines;
    node.replaceChildren(paint(view, plan));
  };
  return { node, draw };
}

const STRIP = 20;

/** Margins, width of each label in characters, the most pixels of one, all at this. */
function measures({ labels, heads }) {
  const [left, right] = heads > 1 ? [48, 34] : [3, 3];
  const units = labels.map((label) => { const n = [...label].length; return n > 1 ? n + 0.4 : 1; });
  const total = units.reduce((a, b) => a + b);
  const most = Math.min(64, Math.max(24, 420 / total));
  return { left, right, units, total, most, least: left + right + total * most };
}

/** Lines of the text that fit into so many pixels, and where everything stands. */
function layout(view, room) {
  const { labels, heads } = view;
  const { left, right, units, total, most } = measures(view);
  const fit = (room - left - right) / SMALLEST, count = Math.ceil(total / fit);
  const lines = [];
  for (let first = 0; first < labels.length; ) {
    let end = first, used = 0, blank = 0;
    const aim = Math.min(fit, (total / count) * 1.1);
    while (end < labels.length && (end === first || used + units[end] <= aim)) {
      used += units[end++];
      if (BLANK.test(labels[end - 1]) && used > 0.7 * aim) blank = end;
    }
    if (end < labels.length && blank) end = blank;
    lines.push({ first, end });
    first = end;
  }
  const used = ({ first, end }) => units.slice(first, end).reduce((a, b) => a + b);
  const cell = Math.min(most, (room - left - right) / Math.max(...lines.map(used)));
  const high = cell >= 20 ? 34 : 26, arcs = labels.length > 12 && lines.length === 1 ? 84 : 64;
  let y = 4;
  for (const line of lines) {
    line.widths = units.slice(line.first, line.end).map((unit) => unit * cell);
    line.x = line.widths.map((_, i) => left + line.widths.slice(0, i).reduce((a, b) => a + b, 0));
    line.top = y + arcs;
    const below = line.top + high + 36;
    line.strips = heads > 1 ? Array.from({ length: heads }, (_, h) => below + h * STRIP) : [];
    line.bottom = y = below + line.strips.length * STRIP + 10;
  }
  const width = left + right + cell * Math.max(...lines.map(used));
  return { lines, cell, high, arcs, width, height: y, size: Math.min(18, cell / 0.63), left };
}

function paint(view, plan) {
  const id = `${view.id}-hatch`, future = { fill: `url(#${id})` };
  const svg = makeSvg("svg", { width: plan.width, height: plan.height, "aria-hidden": "true" });
  const tile = { id, width: 7, height: 7, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" };
  const line = makeSvg("path", { class: "gpt-att-line", d: "M0 0V7" });
  svg.append(makeSvg("defs", {}, makeSvg("pattern", tile, rect("cell", { width: 7, height: 7 }), line)));
  for (const line of plan.lines) svg.append(...letters(view, plan, line, future), ...strips(view, line, future));
  svg.append(...arcs(view, plan), ...plan.lines.flatMap((line) => numbers(view, plan, line)));
  return svg;
}

/** Colour carries size: as in the drawings, the letter on it stays readable. */
const shade = (weight) => (weight < 0.004 ? 0 : 0.06 + 0.66 * weight ** 0.8);

function letters(view, plan, line, future) {
  const t = view.at(), row = view.looks(), wide = plan.cell >= 20, gap = wide ? 3 : 1;
  return line.x.flatMap((x, i) => {
    const s = line.first + i, own = s === t, weight = s > t ? 0 : shade(row[s]);
    const place = { x: x + gap / 2, y: line.top, width: line.widths[i] - gap, height: plan.high, rx: wide ? 7 : 2.5 };
    const kind = s > t ? "later" : own ? "letter gpt-att-bold" : "letter";
    const middle = { x: x + line.widths[i] / 2, y: line.top + plan.high / 2 + plan.size * 0.34 };
    const parts = [s > t ? makeSvg("rect", { ...place, ...future }) : rect("cell", place)];
    if (weight || own) parts.push(rect(own ? "tint gpt-att-own" : "tint", { ...place, "fill-opacity": weight }));
    return [...parts, words(kind, view.labels[s], { ...middle, "font-size": plan.size })];
  });
}

/** From the character that looks to each that it looks at; over a line's end and on. */
function arcs(view, plan) {
  const t = view.at(), row = view.looks();
  const lineOf = (s) => plan.lines.find((line) => s < line.end);
  const spot = (s, line) => [line.x[s - line.first] + line.widths[s - line.first] / 2, line.top - 2];
  const far = Math.max(320, plan.width * 0.75);
  const height = (distance) => 1.33 * (18 + (plan.arcs - 24) * Math.min(1, distance / far) ** 0.55);
  const own = lineOf(t), [x, y] = spot(t, own), h = plan.arcs * 0.62;
  return largest(row, row.length).reverse().flatMap((s) => {
    const line = lineOf(s), [X, Y] = spot(s, line), top = y - height(x - X);
    const left = plan.left - 2, right = line.x.at(-1) + line.widths.at(-1) + 4;
    const paths =
      s === t ? [`M${x - 3} ${y}C${x - 13} ${y - 25} ${x + 13} ${y - 25} ${x + 3} ${y}`]
      : line === own ? [`M${x} ${y}C${x} ${top} ${X} ${top} ${X} ${y}`]
      : [`M${x} ${y}C${x} ${y - h} ${Math.max(left, x - 50)} ${y - h} ${Math.min(x, left)} ${y - h}`,
         `M${X} ${Y}C${X} ${Y - h} ${Math.min(right, X + 50)} ${Y - h} ${Math.max(X, right)} ${Y - h}`];
    const stroke = { "stroke-width": 1.2 + 4 * row[s], "stroke-opacity": 0.4 + 0.5 * row[s] };
    return paths.map((d) => makeSvg("path", { class: "gpt-att-arc", d, ...stroke }));
  });
}

/** The largest weights under their characters, moved apart where they would overlap. */
function numbers(view, plan, line) {
  const row = view.looks(), best = Math.max(...row), top = line.top + plan.high;
  const shown = largest(row, 8).filter((s) => s >= line.first && s < line.end).sort((a, b) => a - b);
  const from = shown.map((s) => line.x[s - line.first] + line.widths[s - line.first] / 2);
  const to = [...from];
  for (let round = 0; round < 200; round++)
    for (let i = 0; i < to.length; i++) {
      to[i] = Math.min(plan.width - 15, Math.max(15, to[i]));
      const short = i ? GAP - (to[i] - to[i - 1]) : 0;
      if (short > 0) { to[i - 1] -= short / 2; to[i] += short / 2; }
    }
  return shown.flatMap((s, i) => [
    makeSvg("path", { class: "gpt-att-lead", d: `M${from[i]} ${top + 2}L${to[i]} ${top + 13}` }),
    words(row[s] === best ? "number gpt-att-bold" : "number", number(row[s]), { x: to[i], y: top + 25 }),
  ]);
}

/** One strip per head of the layer: where each looks from here. */
function strips(view, line, future) {
  const { model } = view, t = view.at(), layer = model.get("layer");
  const left = line.x[0], right = line.x.at(-1) + line.widths.at(-1);
  const until = Math.max(0, Math.min(t + 1, line.end) - line.first); // letters that are seen
  const seen = until ? line.x[until - 1] + line.widths[until - 1] : left;
  const several = view.layers > 1 && line.strips.length;
  const all = several ? [words("name", `layer ${layer}`, { x: 0, y: line.strips[0] - 7 })] : [];
  line.strips.forEach((y, head) => {
    const row = view.row(layer, head, t), [best] = largest(row, 1, 0);
    const chosen = head === model.get("head"), bold = chosen ? " gpt-att-bold" : "";
    const bar = { y: y + 2, height: STRIP - 4 }, base = y + 14;
    all.push(rect("hit", { x: 0, y, width: right + 36, height: STRIP }));
    all.push(words(`name${bold}`, `head ${head}`, { x: 0, y: base }));
    all.push(rect("cell", { x: left, width: seen - left, ...bar }));
    for (let i = 0; i < until; i++) {
      const weight = row[line.first + i], x = line.x[i], width = line.widths[i];
      const place = { x, width: width - (width > 12 ? 1 : 0), "fill-opacity": shade(weight), ...bar };
      if (shade(weight)) all.push(rect("tint", place));
      if (width >= 36) all.push(words("inside", number(weight), { x: x + width / 2, y: base }));
    }
    all.push(makeSvg("rect", { ...future, x: seen, width: right - seen, ...bar }));
    if (chosen) all.push(rect("ring", { x: left - 2, y: y + 0.5, width: right - left + 4, height: STRIP - 1, rx: 4 }));
    const here = best >= line.first && best < line.end;
    if (here) all.push(words(`most${bold}`, number(row[best]), { x: right + 6, y: base }));
  });
  return all;
}

// Every head's map, to choose from

const named = (map) => `Layer ${map.layer}, head ${map.head}`;

function titled(name, quiet) {
  const more = make("span", { className: "gpt-quiet" }, quiet);
  return make("div", { className: "gpt-att-title", "aria-hidden": "true" }, make("b", {}, name), " ", more);
}

function picker(view) {
  const { model, layers, heads, maps, labels } = view;
  if (maps.length === 1 && labels.length <= 12) return square(view);
  const size = Math.max(20, Math.min(190, Math.floor(Math.sqrt(46_000 / maps.length))));
  const choices = maps.map((map) => choice(view, map, size));
  const pictures = choices.map(({ label }) => label);
  const grid = make("div", { className: layers > 1 ? "gpt-att-grid" : "gpt-att-flow" });
  const note = (name, text) => make("span", { className: `gpt-att-${name}` }, text);
  if (layers > 1) {
    const wide = size >= 46; // wide enough for words
    grid.style.gridTemplateColumns = `auto repeat(${heads}, ${size}px)`;
    grid.append(note("layer", wide ? "" : "head"));
    for (let head = 0; head < heads; head++) grid.append(note("column", wide ? `head ${head}` : `${head}`));
    for (let layer = 0; layer < layers; layer++)
      grid.append(note("layer", `layer ${layer}`), ...pictures.slice(layer * heads, (layer + 1) * heads));
  } else grid.append(...pictures);
  const several = maps.length > 1;
  const title = several
    ? titled("Every head’s map", "rows look at columns; choose one")
    : titled("The whole map", "rows look at columns");
  const properties = { className: "gpt-att-heads", role: "radiogroup", "aria-label": "Layer and head" };
  const draw = () => {
    const t = view.at();
    for (const { map, input, row, label } of choices) {
      input.checked = map.layer === model.get("layer") && map.head === model.get("head");
      label.classList.toggle("gpt-att-chosen", input.checked && several);
      input.setAttribute("aria-label", `${named(map)}: ${described(view, map.rows[t], t)}`);
      row.style.top = `${(100 * t) / labels.length}%`;
      row.style.height = `${100 / labels.length}%`;
      row.classList.toggle("gpt-att-thin", size < 6 * labels.length);
    }
  };
  return { node: make("div", properties, title, grid), draw };
}

/** A small map to choose; its row of the character that looks is marked. */
function choice(view, map, size) {
  const input = make("input", { type: "radio", name: view.id });
  input.addEventListener("change", () => view.set({ layer: map.layer, head: map.head }));
  const hatch = make("i", { className: "gpt-att-hatch" }), row = make("i", { className: "gpt-att-row" });
  // The future begins behind each row's own cell.
  const part = (i) => `${(100 * i) / map.rows.length}%`;
  const stairs = map.rows.map((_, i) => `${part(i + 1)} ${part(i)}, ${part(i + 1)} ${part(i + 1)}`);
  hatch.style.clipPath = `polygon(${stairs.join(",")}, 100% 0)`;
  const picture = make("span", { className: "gpt-att-map" }, stencil(map.rows, size), hatch, row);
  picture.style.width = picture.style.height = `${size}px`;
  const alone = view.layers === 1 && view.heads > 1;
  const name = alone ? [make("span", { className: "gpt-att-column" }, `head ${map.head}`)] : [];
  return { map, input, row, label: make("label", { title: named(map) }, input, ...name, picture) };
}

/** A map as a mask through which the theme's blue is seen. */
function stencil(rows, size) {
  const canvas = make("canvas"), scale = Math.max(1, Math.ceil((2 * size) / rows.length));
  canvas.width = canvas.height = rows.length * scale;
  const pen = canvas.getContext("2d");
  rows.forEach((row, t) => row.forEach((weight, s) => {
    if (weight < 0.004) return;
    pen.globalAlpha = Math.min(1, 0.08 + 0.92 * weight ** 0.6);
    pen.fillRect(s * scale, t * scale, scale, scale);
  }));
  const node = make("i", { className: "gpt-att-stencil" });
  node.style.maskImage = `url(${canvas.toDataURL()})`;
  return node;
}

/** The map of a single head on a short text, with its numbers. */
function square(view) {
  const { labels, maps } = view, cell = Math.min(46, 380 / labels.length), edge = 26;
  const whole = labels.length * cell, svg = makeSvg("svg", { width: edge + whole + 3, height: edge + whole + 3 });
  const title = titled("The whole map", "rows look at columns");
  const node = make("div", { className: "gpt-att-heads", "aria-hidden": "true" }, title, svg);
  const under = (event) => {
    const t = Math.floor((event.clientY - svg.getBoundingClientRect().top - edge) / cell);
    return t >= 0 && t < labels.length ? t : null;
  };
  const hover = (t) => { view.hovered = t; view.draw(); };
  svg.addEventListener("pointermove", (event) => hover(under(event)));
  svg.addEventListener("pointerleave", () => hover(null));
  svg.addEventListener("click", (event) => under(event) !== null && view.set({ position: under(event) }));
  const future = { fill: `url(#${view.id}-hatch)` };
  const draw = () => {
    const t = view.at(), parts = [], size = { "font-size": 14 };
    labels.forEach((label, i) => {
      const at = edge + (i + 0.5) * cell, side = { width: cell - 2, height: cell - 2, rx: 4 };
      parts.push(words("letter", label, { x: at, y: edge - 9, ...size }));
      parts.push(words(i === t ? "letter gpt-att-bold" : "letter", label, { x: edge - 14, y: at + 5, ...size }));
      labels.forEach((_, s) => {
        const place = { x: edge + s * cell + 1, y: edge + i * cell + 1, ...side };
        if (s > i) return parts.push(makeSvg("rect", { ...place, ...future }));
        const weight = maps[0].rows[i][s];
        parts.push(rect("cell", place), rect("tint", { ...place, "fill-opacity": shade(weight) }));
        return parts.push(words("inside", number(weight), { x: edge + (s + 0.5) * cell, y: at + 4 }));
      });
    });
    parts.push(rect("ring", { x: edge - 1, y: edge + t * cell - 1, width: whole + 2, height: cell + 2, rx: 6 }));
    svg.replaceChildren(...parts);
  };
  return { node, draw };
}

// What follows

function nextTokens(view) {
  const { model, labels, unit } = view;
  const title = make("div", { className: "gpt-att-title" });
  const table = make("div", { className: "gpt-att-bars", role: "list" });
  const name = `Probabilities of the next ${unit}`;
  const node = make("div", { className: "gpt-att-next", role: "group", "aria-label": name }, title, table);
  const draw = () => {
    const t = view.at(), context = labels.slice(Math.max(0, t - 9), t + 1).join("");
    const after = make("span", { className: "gpt-quiet" }, " after ");
    title.replaceChildren(make("b", {}, `Next ${unit}`), after, chip(t > 9 ? `…${context}` : context));
    table.replaceChildren(...model.get("expected")[t].map(bar));
  };
  return { node, draw };
}

/** One line of the distribution; the token that really follows is marked. */
function bar([label, probability, rank, true_one], i) {
  const filled = make("i", {});
  filled.style.width = `${100 * probability}%`;
  const share = probability >= 0.0005 ? probability.toFixed(3) : "<0.001";
  const note = !true_one ? "" : rank > i + 1 ? `← rank ${rank}` : "← the text";
  return make("div", { role: "listitem", className: true_one ? "gpt-att-true" : "" },
    chip(label),
    make("span", { className: "gpt-att-bar", "aria-hidden": "true" }, filled),
    make("span", { className: "gpt-att-share" }, share),
    make("span", { className: "gpt-att-note" }, note));
}

export default { render };
