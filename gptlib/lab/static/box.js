// What the boxes share: elements, a slider, buttons, a status line. Python puts this
// before playground.js or chat.js, since a widget is one module.

/** An element with properties (aria-… and data-… as attributes) and children. */
function make(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role") node.setAttribute(name, value);
    else node[name] = value;
  }
  node.append(...children);
  return node;
}

/** Call draw now and whenever one of the traits changes. */
function follow(model, traits, draw) {
  for (const trait of traits) model.on(`change:${trait}`, draw);
  draw();
}

/** A labelled slider that sets a trait while it is dragged; choices: what its steps mean. */
function slider(model, trait, name, { min = 0, max, step = 1, digits = 1, choices }) {
  const input = make("input", { type: "range", min, max, step });
  const shown = make("b", { "aria-hidden": "true" }); // the slider says it itself
  const toTrait = (at) => (choices ? choices[at] : Number(at));
  const toPlace = (value) => (choices ? choices.indexOf(value) : value);
  const toText = (value) => (choices ? String(value) : value.toFixed(digits));
  const draw = () => {
    const value = model.get(trait);
    const place = Math.min(max, Math.max(min, toPlace(value)));
    // A message about an earlier position must not move the handle that is dragged.
    if (toTrait(input.value) !== value) input.value = place;
    input.style.setProperty("--gpt-at", (input.value - min) / (max - min));
    input.setAttribute("aria-valuetext", toText(value));
    shown.textContent = toText(value);
  };
  input.addEventListener("input", () => {
    model.set(trait, toTrait(input.value));
    model.save_changes();
  });
  follow(model, [trait], draw);
  const head = make("span", {}, name, shown);
  input.setAttribute("aria-label", name);
  return make("label", { className: "gpt-slider" }, head, input);
}

/** A button that keeps the keyboard's focus when it is disabled. */
function button(name, act, { primary = false, title = "" } = {}) {
  const className = primary ? "gpt-button gpt-primary" : "gpt-button";
  const node = make("button", { type: "button", className, title }, name);
  node.addEventListener("click", () => enabled(node) && act());
  return node;
}

const enabled = (node) => node.getAttribute("aria-disabled") !== "true";
const enable = (node, on) => node.setAttribute("aria-disabled", String(!on));

/** Stop: enabled while a text is generated; Escape does the same. */
function stopButton(model, box) {
  const stop = () => model.send({ do: "stop" });
  const node = button("Stop", stop, { title: "End the text here (Escape)" });
  follow(model, ["running"], () => enable(node, model.get("running")));
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !model.get("running")) return;
    event.preventDefault();
    stop();
  });
  return node;
}

/** Enter sends, Ctrl+Enter too; Shift+Enter is left to the field: a new line. */
function onEnter(field, send) {
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  });
}

/** The line that says what happens, read out by screen readers. */
function statusLine(model) {
  const node = make("div", { className: "gpt-status", role: "status" });
  follow(model, ["status", "warning"], () => {
    const text = model.get("status");
    node.classList.toggle("gpt-warning", model.get("warning"));
    if (node.textContent !== text) node.textContent = text;
  });
  return node;
}

/** A field under its name, with a hint beside the name. */
function labelled(name, hint, field) {
  field.setAttribute("aria-label", name);
  field.setAttribute("aria-description", hint);
  const quiet = make("span", { className: "gpt-hint" }, hint);
  const head = make("div", { className: "gpt-row", "aria-hidden": "true" }, make("b", {}, name), quiet);
  return make("div", { className: "gpt-field" }, head, field);
}

/** The box itself. JupyterLab would run the cell at Shift+Enter, leave it at an arrow. */
function frame(el, name) {
  const box = make("div", { className: "gpt-box", role: "group", "aria-label": name });
  box.addEventListener("keydown", (event) => {
    const shortcut = event.ctrlKey || event.metaKey || event.altKey; // such as saving
    if (!shortcut || event.key === "Enter") event.stopPropagation();
  });
  el.append(box);
  return box;
}
