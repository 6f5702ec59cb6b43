// The playground: a prompt, sliders, Generate and Stop; one column per model.

function render({ model, el }) {
  const box = frame(el, "Playground");
  const prompt = make("textarea", { rows: 2, spellcheck: false, value: model.get("prompt") });
  const write = () => model.send({ do: "write", prompt: prompt.value });
  onEnter(prompt, write);
  model.on("change:prompt", () => {
    if (prompt.value !== model.get("prompt")) prompt.value = model.get("prompt");
  });

  const sliders = [slider(model, "temperature", "Temperature", { max: 2, step: 0.1 })];
  if (model.get("all_sliders")) {
    const choices = model.get("top_k_choices");
    sliders.push(slider(model, "top_k", "Top-k", { max: choices.length - 1, choices }));
    sliders.push(slider(model, "top_p", "Top-p", { min: 0.05, max: 1, step: 0.05, digits: 2 }));
  }
  const generate = button("Generate", write, {
    primary: true,
    title: "Continue the prompt (Enter)",
  });
  const hint = "Enter generates, Shift+Enter starts a new line";
  box.append(
    labelled("Prompt", hint, prompt),
    make("div", { className: "gpt-sliders" }, ...sliders),
    make("div", { className: "gpt-row" }, generate, stopButton(model, box), statusLine(model)),
    columns(model),
  );
}

/** The texts side by side, below each other where there is no room. */
function columns(model) {
  const names = model.get("names");
  const texts = names.map((name) =>
    make("div", { className: "gpt-text", tabIndex: 0, role: "region", "aria-label": `Text: ${name}` }),
  );
  const all = make(
    "div",
    { className: "gpt-columns" },
    ...names.map((name, i) =>
      make("div", {}, make("div", { className: "gpt-name" }, name), texts[i]),
    ),
  );
  follow(model, ["running"], () => {
    // A new text begins empty: the page below must not jump.
    all.style.minHeight = model.get("running") ? `${all.offsetHeight}px` : "";
  });
  follow(model, ["texts", "continued"], () => {
    names.forEach((name, i) => {
      const text = model.get("texts")[name] ?? "";
      texts[i].replaceChildren(make("b", {}, model.get("continued")), text);
    });
  });
  return all;
}

export default { render };
