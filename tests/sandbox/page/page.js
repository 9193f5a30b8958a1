// Both sides, read every half second, written to by two forms. No library: it has to work years from now.
// ?smartify=ID&chatwoot=ID shows those conversations.
"use strict";

const sections = [...document.querySelectorAll("section")];
const chosen = {};          // platform → conversation shown; empty: a new one will be begun
for (const [key, value] of new URLSearchParams(location.search)) chosen[key] = value;
let version = "";
let threads = {};

async function call(method, path, body) {
  const answer = await fetch(path, {method, body: body && JSON.stringify(body)});
  const value = await answer.json();
  if (!answer.ok) throw new Error(value.error || answer.status);
  return value;
}

// -- one message -------------------------------------------------------------------------------------------

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

// Only what leads to the web: whoever wrote it is not trusted.
function link(className, text, href) {
  if (!/^https?:\/\//.test(href || "")) return make("span", className, text);
  const a = make("a", className, text);
  a.href = href;
  a.target = "_blank";
  a.rel = "noreferrer";
  return a;
}

function file(f) {
  const type = f.type || "", name = f.name || (f.href || "").split("/").pop();
  const kind = /^(image|picture|animation)/.test(type) ? "img" : /^video/.test(type) ? "video"
    : /^(audio|voice)/.test(type) ? "audio" : "";
  if (!kind || !/^https?:\/\//.test(f.href || "")) return link("file", "📄 " + name, f.href);
  const element = make(kind, "file");
  element.src = f.href;
  if (kind === "img") element.alt = name;
  else element.controls = true;
  element.title = name;
  return element;
}

function buttons(list) {
  const row = make("div", "buttons");
  row.append(...(list || []).map(b => link("choice", b.label, b.href)));
  return row;
}

function card(c) {
  const box = make("div", "card");
  if (/^https?:\/\//.test(c.image || "")) {
    const image = make("img");
    image.src = c.image;
    image.alt = "";
    box.append(image);
  }
  box.append(c.href ? link("title", c.title, c.href) : make("b", "title", c.title));
  if (c.text) box.append(make("p", "", c.text));
  if (c.buttons && c.buttons.length) box.append(buttons(c.buttons));
  return box;
}

function thing(t) {
  return t.kind === "place"
    ? link("thing place", "📍 " + (t.title || "Place") + " · " + t.at, "https://www.openstreetmap.org/?mlat=" +
      t.at.split(",")[0] + "&mlon=" + t.at.split(",")[1])
    : make("span", "thing person", "👤 " + [t.title, t.phone].filter(Boolean).join(", "));
}

function quote(id, thread) {
  const of = thread.messages.find(m => m.id === id);
  return make("div", "quote", of ? (of.text || "").slice(0, 80) : "a message that is not shown");
}

function message(m, thread) {
  const more = m.more || {}, is = [];
  const row = make("div", "message " + m.who);
  for (const [name, on, words] of [["relay", m.by_relay, "by the relay"], ["private", m.private, "note"],
    ["swallowed", m.swallowed, "NOT sent to the customer"], ["failed", m.state === "failed", "FAILED"],
    ["deleted", more.deleted, "deleted"]])
    if (on) {
      row.classList.add(name);
      is.push(words);
    }
  row.dataset.id = m.id;
  row.append(make("small", "", [m.who, ...is].join(", ")));
  if (more.reply_to) row.append(quote(more.reply_to, thread));
  // A file is shown below; the line that leads to it is for panels that show none.
  const words = (m.files || []).length ? (m.text || "").replace(/^\[[^\n]*\]\([^\n]*\)(\n|$)/, "") : m.text || "";
  if (words) row.append(make("div", "text", words));
  if (more.kind) row.append(make("div", "kind", "(" + more.kind + ")"));
  row.append(...(m.files || []).map(file), ...(more.things || []).map(thing));
  if (more.cards) {
    const cards = make("div", "cards");
    cards.append(...more.cards.map(card));
    row.append(cards);
  }
  if (more.buttons) row.append(buttons(more.buttons));
  if (more.error) row.append(make("div", "error", more.error));
  return row;
}

// -- both sides --------------------------------------------------------------------------------------------

function draw(section) {
  const platform = section.dataset.platform;
  const pick = section.querySelector(".pick");
  const list = threads[platform] || [];
  if (!(platform in chosen) && list.length) chosen[platform] = String(list[list.length - 1].id);
  pick.replaceChildren(new Option("a new one", ""), ...list.map(t =>
    new Option(t.title + " · " + String(t.id).slice(-28) + " · " + t.status, t.id)));
  pick.value = chosen[platform] || "";
  const thread = list.find(t => String(t.id) === chosen[platform]);
  const box = section.querySelector(".messages");
  const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
  // What has not changed stays, so that a film goes on.
  const rows = (thread ? thread.messages : []).map(m => [JSON.stringify(m), m]);
  const kept = new Map([...box.children].map(row => [row.dataset.of, row]));
  box.replaceChildren(...rows.map(([of, m]) => {
    const row = kept.get(of) || message(m, thread);
    row.dataset.of = of;
    return row;
  }));
  if (atEnd) box.scrollTop = box.scrollHeight;
}

async function refresh() {
  try {
    const got = await call("GET", "/control/threads?version=" + version);
    if (got.smartify) {
      threads = got;
      version = got.version;
      sections.forEach(draw);
    }
    document.getElementById("verdict").textContent = "";
  } catch (error) {
    document.getElementById("verdict").textContent = "No answer: " + error.message;
  }
}

for (const section of sections) {
  const platform = section.dataset.platform;
  const form = section.querySelector("form");
  section.querySelector(".pick").addEventListener("change", event => {
    chosen[platform] = event.target.value;
    draw(section);
  });
  form.addEventListener("submit", async event => {
    event.preventDefault();
    const text = form.elements.text.value;
    if (!text) return;
    const spec = {platform, as: form.elements.as.value, text};
    if (chosen[platform]) spec.conversation = chosen[platform];
    else if (spec.as === "customer") spec.new = true;
    if (spec.as === "customer") spec.person = form.elements.person.value;
    if (spec.as === "customer" && form.elements.inbox) spec.inbox = Number(form.elements.inbox.value);
    try {
      const ids = await call("POST", "/control/say", spec);
      chosen[platform] = String(ids.conversation);
      form.elements.text.value = "";
      version = "";
      refresh();
    } catch (error) {
      alert(error.message);
    }
  });
  form.addEventListener("click", async event => {
    const action = event.target.dataset.act;
    if (!action || !chosen[platform]) return;
    try {
      await call("POST", "/control/act", {platform, action, conversation: chosen[platform]});
      if (action === "delete") delete chosen[platform];
      version = "";
      refresh();
    } catch (error) {
      alert(error.message);
    }
  });
}

document.getElementById("reset").addEventListener("click", async () => {
  await call("POST", "/control/reset", {});
  for (const key of Object.keys(chosen)) delete chosen[key];
  version = "";
  refresh();
});

setInterval(refresh, 500);
refresh();
