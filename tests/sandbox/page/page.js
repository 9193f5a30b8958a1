// Both sides, read every half second, written to by two forms. No library: it has to work years from now.
"use strict";

const sections = [...document.querySelectorAll("section")];
const chosen = {};          // platform → conversation shown; empty: a new one will be begun
let version = "";
let threads = {};

async function call(method, path, body) {
  const answer = await fetch(path, {method, body: body && JSON.stringify(body)});
  const value = await answer.json();
  if (!answer.ok) throw new Error(value.error || answer.status);
  return value;
}

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
  box.replaceChildren(...(thread ? thread.messages : []).map(m => {
    const row = document.createElement("div");
    row.className = "message " + m.who + (m.private ? " private" : "") + (m.swallowed ? " swallowed" : "") +
      (m.state === "failed" ? " failed" : "");
    const who = document.createElement("small");
    who.textContent = m.who + (m.by_relay ? ", by the relay" : "") + (m.private ? ", note" : "") +
      (m.swallowed ? ", NOT sent to the customer" : "") + (m.state === "failed" ? ", FAILED" : "");
    row.append(who, document.createTextNode(m.text || ""));
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
