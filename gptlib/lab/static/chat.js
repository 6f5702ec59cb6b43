// The chat box: the transcript, a line to type, Send, Stop and Start anew.

function render({ model, el }) {
  const box = frame(el, "Chat");
  const line = make("input", {
    type: "text",
    spellcheck: false,
    autocomplete: "off",
  });
  const hint = `One that ends with ${model.get("mark")} is a question; Enter sends`;
  let sent = "";
  const send = () => {
    model.send({ do: "send", line: line.value });
    if (model.get("running")) return; // it is refused: the line stays
    sent = line.value;
    line.value = "";
  };
  onEnter(line, send);
  model.on("change:warning", () => {
    if (model.get("warning") && !line.value) line.value = sent; // to be changed
  });
  const anew = button("Start anew", () => model.send({ do: "start anew" }), {
    title: "Go back to the opening",
  });
  if (model.get("offers").length) box.append(offers(model));
  box.append(
    transcript(model),
    labelled("Your line", hint, line),
    make(
      "div",
      { className: "gpt-row" },
      button("Send", send, { primary: true, title: "Add the line (Enter)" }),
      stopButton(model, box),
      anew,
      statusLine(model),
      slider(model, "temperature", "Temperature", { max: 1.5, step: 0.1 }),
    ),
    spoken(model),
  );
}

/** All lines, answers in bold, scrolled to the newest. */
function transcript(model) {
  const page = make("div", {
    className: "gpt-text gpt-transcript",
    tabIndex: 0,
    role: "region",
    "aria-label": "Transcript",
  });
  follow(model, ["turns", "opening"], () => {
    const opening = model.get("opening").replace(/^\n+/, "");
    const turns = model.get("turns").flatMap(([said, answer], i) => [
      opening || i ? said : said.replace(/^\n+/, ""),
      make("b", {}, answer),
      "\n",
    ]);
    page.replaceChildren(opening, ...turns);
    page.scrollTop = page.scrollHeight;
  });
  return page;
}

/** Openings to choose from, and a button per question about the chosen one. */
function offers(model) {
  const names = model.get("offers").map(([name]) => make("option", {}, name));
  const pick = make("select", { "aria-label": "Excerpt" }, ...names);
  pick.addEventListener("change", () =>
    model.send({ do: "choose", number: pick.selectedIndex }),
  );
  const asks = make("div", { className: "gpt-row", role: "group", "aria-label": "Questions" });
  follow(model, ["chosen"], () => {
    pick.selectedIndex = model.get("chosen");
    const [, , questions] = model.get("offers")[model.get("chosen")];
    const ask = (line) => button(line, () => model.send({ do: "send", line }));
    asks.replaceChildren(...questions.map(ask));
  });
  return make("div", { className: "gpt-field" }, pick, asks);
}

/** The complete answer for screen readers: not each of its characters. */
function spoken(model) {
  const node = make("div", { className: "gpt-unseen", role: "status" });
  model.on("change:running", () => {
    const answer = model.get("turns").at(-1)?.[1];
    node.textContent = !model.get("running") && answer ? `Answer: ${answer}` : "";
  });
  return node;
}

export default { render };
