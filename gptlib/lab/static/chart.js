// The lab's chart: losses above, learning rate and gradient norm below.
// Part of the module that panel.py builds from lab.js, chart.js and tools.js.

class Chart {
  constructor(store, root) {
    Object.assign(this, { store, root, at: null });
    this.values = make("div", { class: "values", hidden: true });
    this.spoken = make("div", { class: "unseen", role: "status", "aria-live": "polite" });
    this.svg = make("div", { class: "chart" });
    this.svg.innerHTML = '<svg xmlns="http://www.w3.org/2000/svg" tabindex="0" role="img"></svg>';
    this.picture = this.svg.firstChild;
    this.svg.append(this.values);
    this.box = make("div", {}, this.svg, this.spoken);
    this.listen_to_pointer();
    this.listen_to_keys();
  }
  scales() {
    const { store } = this, shown = this.lines.filter((l) => !store.hidden.has(l.key) && l.points.length);
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

  draw(lines, colours) {
    Object.assign(this, { lines, colours });
    const s = (this.scale = this.scales()), { store } = this;
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
      // Left of where the lines end: there are their labels.
      const middle = Math.max(s.left + 50, Math.min(x, s.X(by.val.points.at(-1)[0]) - 48));
      out.push(text(middle, Math.min(y + 20, s.bottom - 5), `best val ${best[1].toFixed(3)}`, colours.valText, `text-anchor="middle" ${rim}`));
    }
    out.push(this.end_labels(s, rim));
    out.push(line(s.left, s.bottom, edge, s.bottom, quiet), this.lower_panel(s, { ink, quiet, rule, rim, path }));
    for (const v of ticks(0, s.last, Math.max(3, s.W / 130)))
      out.push(text(s.X(v), s.bottom + 114, whole(v), quiet, 'text-anchor="middle"'));
    out.push(text((s.left + edge) / 2, s.bottom + 134, "step", quiet, 'text-anchor="middle"'), '<g class="cross"></g>');
    if (!store.now.step && !store.kept.length)
      out.push(text((s.left + edge) / 2, (s.top + s.bottom) / 2, "Start, then turn the knobs while it trains", quiet, 'text-anchor="middle" font-size="14"'));
    this.picture.setAttribute("viewBox", `0 0 ${s.W} ${height}`);
    this.picture.setAttribute("aria-label", `loss against step; ${s.shown.filter((l) => !l.faint).map((l) => this.end_label(l)).join(", ") || "nothing yet"}. Left and right arrow read the values.`);
    this.picture.innerHTML = out.join("");
    this.point();
  }
  // At the end of each line, moved apart where ends are close together.
  end_labels(s, rim) {
    const labels = s.shown.filter((l) => !l.faint).map((l) => {
      const [step, v] = l.points.at(-1);
      // A long name stands whole in the table; here two lines of it must do.
      const name = wrapped(l.name, s.most - 40), lines = name.slice(0, 2);
      lines[lines.length - 1] += `${name.length > 2 ? " …" : ""} ${v.toFixed(2)}`;
      return { x: s.X(step) + 8, y: s.Y(v), lines, colour: l.ink || l.colour };
    }).sort((a, b) => a.y - b.y);
    const height = (l) => 14 * l.lines.length + 2;
    let lowest = s.top - 8;
    for (const l of labels) { l.y = Math.max(l.y, lowest); lowest = l.y + height(l); }
    let highest = s.bottom + 14; // those pushed below the plot come back up
    for (const l of labels.toReversed()) { l.y = Math.min(l.y, highest - height(l)); highest = l.y; }
    return labels.map((l) => l.lines.map((words, i) => text(l.x, l.y + 4 + 14 * i, words, l.colour, `font-weight="600" ${rim}`)).join("")).join("");
  }
  // Learning rate (left) and the gradient's norm (right), each from zero to its largest.
  lower_panel(s, { quiet, rule, rim, path }) {
    const { store, colours } = this, top = s.bottom + 40, bottom = s.bottom + 96, edge = s.W - s.right;
    const out = [line(s.left, top, edge, top, rule), line(s.left, bottom, edge, bottom, quiet)];
    for (const [name, words, x, anchor] of [["norm", "gradient norm", edge, "end"], ["lr", "learning rate", s.left, "start"]]) {
      const most = Math.max(...store[name], 1e-9), step = store.steps_of(name), colour = colours[name];
      const points = store[name].map((v, i) => [step(i), v]), Y = (v) => bottom - (bottom - top) * v / most;
      out.push(`<polyline points="${path(points, Y)}" fill="none" stroke="${colour}" stroke-width="1.4"/>`);
      const shown = points.length ? ` ${short(points.at(-1)[1])}${s.W > 640 ? ` (highest ${short(most)})` : ""}` : "";
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
    const run = (colour, name, train, val) => rows.push([colour, name, train?.toFixed(3) ?? "", val?.toFixed(3) ?? ""]);
    const seen = (key) => s.shown.some((l) => l.key === key);
    if (own && (seen("train") || seen("val"))) run(this.colours.val, "this run", seen("train") ? own[1] : null, seen("val") ? own[2] : null);
    for (const l of s.shown.filter((l) => l.run)) {
      const row = l.run.rows.find((row) => row[0] === step);
      if (row) run(l.colour, l.name, row[1], row[2]);
    }
    for (const l of s.shown.filter((l) => !l.faint)) {
      const hit = l.points.find((p) => p[0] === step);
      if (hit) cross.innerHTML += `<circle cx="${x}" cy="${s.Y(hit[1])}" r="4" fill="${l.colour}"/>`;
    }
    const more = own?.[3] == null ? [] : [["batches, mean since the last", own[3].toFixed(3)],
      ["learning rate", short(own[4])], ["gradient norm, mean", short(own[5])]];
    const turned = store.turns.filter(([at]) => Math.abs(at - step) <= 25).map(([at, words]) => [`from step ${whole(at)}`, words]);
    cross.innerHTML += line(x, s.top - 4, x, s.bottom + 96, getComputedStyle(this.root).color, 'opacity="0.6"');
    const cells = ([colour, name, ...values]) => `<tr><td><span style="color:${colour}">●</span> ${escaped(name)}</td>`
      + values.map((value) => `<td>${value}</td>`).join("") + "</tr>";
    const pair = ([name, value]) => `<tr><td>${escaped(name)}</td><td colspan="2">${escaped(value)}</td></tr>`;
    const head = rows.length ? "<td>train</td><td>val</td>" : "";
    this.values.innerHTML = `<table><tr><td><b>step ${whole(step)}</b></td>${head}</tr>${rows.map(cells).join("")}${[...more, ...turned].map(pair).join("")}</table>`;
    const share = x / s.W;
    Object.assign(this.values.style, share < 0.5 ? { left: `calc(${100 * share}% + 14px)`, right: "auto" } : { right: `calc(${100 - 100 * share}% + 14px)`, left: "auto" });
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

// The lines of the chart: key, name, colour, points (step, value).
const lines_of = (store, colours) => {
  const step = store.steps_of("loss"), of = (column) => store.checks.map((row) => [row[0], row[column]]);
  const own = [
    { key: "batches", name: "batches", colour: colours.train, faint: true,
      points: store.smoothed().map((loss, i) => [step(i), loss]) },
    { key: "train", name: "train", colour: colours.train, points: of(1) },
    { key: "val", name: "val", colour: colours.val, ink: colours.valText, points: of(2) },
  ];
  const kept = store.kept.map((run) => {
    const i = store.place(run.name);
    return { key: `kept ${run.name}`, name: run.name, colour: colours.kept[i], dashes: DASHES[i],
      points: run.rows.map((row) => [row[0], row[2]]), run };
  });
  return [...own, ...kept];
};
