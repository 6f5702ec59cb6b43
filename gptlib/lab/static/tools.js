// Small tools of the lab's module: nodes, colours, numbers, files.

const escaped = (text) => String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const whole = (n) => Math.round(n).toLocaleString("en-US");
const clock = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;
const short = (v) => (v >= 1e-4 && v < 1000 ? String(Number(v.toPrecision(2))) : v.toExponential(1));
const make = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  node.append(...children.filter((child) => child != null));
  return node;
};
const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
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

const save_csv = (store) => {
  const quote = (name) => `"${name.replaceAll('"', '""')}"`;
  const runs = [[`${store.name} (this run)`, store.checks], ...store.kept.map((run) => [run.name, run.rows])];
  const rows = runs.flatMap(([name, checks]) => checks.map((row) => [quote(name), ...row.map((v) => v ?? "")].join(",")));
  const head = "run,step,train,val,mean_batch_loss,learning_rate,gradient_norm";
  save("training.csv", new Blob([[head, ...rows].join("\n") + "\n"], { type: "text/csv" }));
};
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
  const field = node.querySelector("input");
  (field || again)?.focus();
  field?.select();
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
