/* The status page: a client of /api/v1 and nothing more. What it shows is made of elements and text, never of
 * markup, so that no name and no message can become anything else. Parts, in this order: elements, words, talking to
 * the relay, questions to the person, then each section, then the beat that keeps them fresh. */
"use strict";

const LOOK_MSECS = 5000, SLOW_MSECS = 60000, PAGE = 50;
const $ = (id) => document.getElementById(id);
const here = { csrf: "", status: null, minutes: 1440, parked: { items: [], next: null, total: 0 }, seen: {} };

/* ---- elements ---- */

function el(name, given, ...inside) {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(given || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "on") e.addEventListener("click", value);
    else e.setAttribute(key, value === true ? "" : value);
  }
  e.append(...inside.flat(3).filter((i) => i !== null && i !== undefined && i !== ""));
  return e;
}

function svg(name, given, ...inside) {
  const e = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(given)) e.setAttribute(key, value);
  e.append(...inside);
  return e;
}

/* Puts other content in, where it is other: what has the focus keeps it. */
function fill(place, content, about) {
  const text = JSON.stringify(about);
  if (here.seen[place.id] === text) return;
  here.seen[place.id] = text;
  const focused = place.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  place.replaceChildren(...[content].flat(2).filter(Boolean));
  const again = focused && [...place.querySelectorAll("[data-key]")].find((e) => e.dataset.key === focused);
  if (again) again.focus();
}

function button(text, key, on, style) {
  return el("button", { type: "button", class: style === undefined ? "small" : style || null, "data-key": key, on }, text);
}

/* Cells are texts, elements, or {text, look}. */
function table(heads, rows) {
  return el("div", { class: "card" }, el("table", {},
    el("thead", {}, el("tr", {}, heads.map((h) => el("th", { scope: "col", class: h.look }, h.text)))),
    el("tbody", {}, rows.map((cells) => el("tr", {}, cells.map((c, i) => {
      const cell = c !== null && typeof c === "object" && !(c instanceof Node) && !Array.isArray(c) ? c : { text: c };
      const nil = cell.text === "" || cell.text === null;
      return el("td", { class: [heads[i].look, cell.look, nil && "nil"].filter(Boolean).join(" ") || null,
        "data-is": heads[i].look === "name" || heads[i].look === "acts" || !heads[i].text ? null : heads[i].text },
      nil ? "" : el("span", {}, cell.text));
    }))))));
}

/* ---- words ---- */

const GOOD = ["ok", "running", "delivered", "finished", "verified", "idle", "ready", "busy", "folded"];
const WARN = ["slow", "locked", "behind", "silent", "draining", "waiting", "unsure", "disk_low", "stopping",
  "finished_with_failures", "stopped", "sending", "parked", "warn"];
const IDLE = ["paused", "queued", "planned", "discarded"];
const plain = (word) => String(word).replaceAll("_", " ");

function look(state) {
  return GOOD.includes(state) ? "good" : WARN.includes(state) ? "warn" : IDLE.includes(state) || !state ? "" : "bad";
}

function pill(state) {
  return el("span", { class: "pill " + look(state) }, plain(state || "?"));
}

function span(msecs) {
  const s = Math.max(0, msecs) / 1000;
  if (s < 1) return Math.round(msecs) + " ms";
  if (s < 10) return s.toFixed(1) + " s";
  if (s < 90) return Math.round(s) + " s";
  if (s < 5400) return Math.round(s / 60) + " min";
  if (s < 129600) return Math.round(s / 3600) + " h";
  return Math.round(s / 86400) + " d";
}

function bytes(n) {
  if (n === null || n === undefined || n < 0) return "?";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let i = 0;
  for (; n >= 1024 && i < units.length - 1; i++) n /= 1024;
  return (i === 0 || n >= 100 ? Math.round(n) : n.toFixed(1)) + " " + units[i];
}

const number = (n) => n === null || n === undefined ? "" : Number(n).toLocaleString("en");
const some = (n) => ({ text: number(n), look: n > 0 ? "some" : "" });

/* A moment: how long ago; the moment itself for whoever points at it. */
function ago(time) {
  if (!time) return "";
  const at = new Date(time), late = Date.now() - at;
  return el("time", { datetime: time, title: at.toLocaleString() }, late < 60000 ? "just now" : span(late) + " ago");
}

const many = (n, one, more) => number(n) + " " + (n === 1 ? one : more || one + "s");

/* ---- talking to the relay ---- */

class Problem extends Error {
  constructor(status, said) {
    super([said.detail || said.title || "It answers " + status, said.next].filter(Boolean).join(". Next: "));
    this.status = status;
    this.said = said;
  }
}

async function ask(method, path, body, headers) {
  const given = Object.assign({ Accept: "application/json" }, headers);
  if (method !== "GET") given["X-CSRF-Token"] = here.csrf;
  if (body !== undefined) given["Content-Type"] = "application/json";
  const answer = await fetch(path, { method, headers: given, cache: "no-store", credentials: "same-origin",
    body: body === undefined ? undefined : JSON.stringify(body) });
  const text = await answer.text();
  let said = {};
  try {
    said = text ? JSON.parse(text) : {};
  } catch {
    said = { title: "the answer cannot be read" };
  }
  if (answer.status === 401 && !path.startsWith("/admin/")) showLogin();
  if (!answer.ok) throw new Problem(answer.status, said);
  return said;
}

const api = (method, path, body, headers) => ask(method, "/api/v1" + path, body, headers);

function say(text, bad) {
  const place = $("said");
  place.textContent = text;
  place.className = "shown" + (bad ? " bad" : "");
  clearTimeout(here.saying);
  here.saying = setTimeout(() => { place.className = ""; }, bad ? 9000 : 4000);
}

/* Does it, tells how that went, and looks again. */
async function act(what, done) {
  try {
    const result = await what();
    say(typeof done === "function" ? done(result) : done);
    return true;
  } catch (e) {
    say(e.message, true);
    return false;
  } finally {
    look_again();
  }
}

/* ---- questions ---- */

function sure(head, text, yes, risky) {
  const dialog = $("ask");
  $("ask-head").textContent = head;
  $("ask-text").textContent = text;
  $("ask-yes").textContent = yes;
  $("ask-yes").className = "first" + (risky ? " risky" : "");
  dialog.returnValue = "no";
  dialog.showModal();
  $("ask-no").focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

function sheet(head, ...inside) {
  $("sheet-head").textContent = head;
  $("sheet-body").replaceChildren(...inside.flat(3).filter(Boolean));
  if (!$("sheet").open) $("sheet").showModal();
  $("sheet").scrollTop = 0;
}

/* ---- what is wrong ---- */

function draw_wrong(s) {
  const problems = s.problems;
  $("verdict").textContent = s.relay.draining ? "stopping" : problems.length === 0 ? "all is well"
    : many(problems.length, "thing is wrong", "things are wrong");
  $("verdict").className = "pill " + (problems.length === 0 ? "good" : problems.every((p) => mild(p)) ? "warn" : "bad");
  document.title = (problems.length > 0 ? "(" + problems.length + ") " : "") + "Tieline";
  fill($("wrong"), problems.length === 0
    ? el("div", { class: "card calm" }, el("b", {}, "All is well."), " Nothing needs a person now.")
    : problems.map((p) => el("article", { class: "card problem " + (mild(p) ? "warn" : "") },
      el("div", { class: "what" }, el("span", { class: "pill " + (mild(p) ? "warn" : "bad") }, plain(p.kind)),
        el("span", { class: "quiet" }, p.since ? ["since ", ago(p.since)] : "", p.alarm ? " · alarm " + p.alarm : "")),
      el("p", {}, p.text),
      el("p", { class: "next" }, el("b", {}, "Next: "), p.next,
        p.kind === "parked" ? [" Or ", el("a", { href: "#parked" }, "see below"), "."] : ""))), [problems, minute()]);
}

const MILD = ["parked", "backlog", "silence", "locked", "media_quota", "loop", "callbacks_lost"];
const mild = (p) => MILD.includes(p.kind);
/* What tells how long ago something was is drawn anew each minute, though it is the same. */
const minute = () => Math.floor(Date.now() / 60000);

/* ---- endpoints and bridges ---- */

const WORDS = {
  pause: { bridge: "Nothing is sent over it until somebody resumes it.", endpoint: "Nothing is sent to it until somebody resumes it.",
    done: "paused" },
  drain: { bridge: "What is queued is sent, nothing new is queued until somebody resumes it.",
    endpoint: "What is queued is sent, nothing new is queued for it until somebody resumes it.", done: "draining" },
  resume: { bridge: "What has waited goes on.", endpoint: "What has waited goes on.", done: "resumed" },
};

async function control(kind, name, what) {
  const keeps = what === "resume" ? "" : " Callbacks are accepted and kept meanwhile.";
  if (await sure(what[0].toUpperCase() + what.slice(1) + " " + name + "?", WORDS[what][kind] + keeps, what[0].toUpperCase() + what.slice(1)))
    act(() => api("POST", "/" + kind + "s/" + encodeURIComponent(name) + "/" + what), name + ": " + WORDS[what].done);
}

function controls(kind, name, state) {
  const held = state === "paused" || state === "draining";
  const all = (held ? ["resume"] : ["pause", "drain"]).map((what) =>
    button(what[0].toUpperCase() + what.slice(1), kind + name + what, () => control(kind, name, what)));
  return kind === "endpoint" ? [button("Check", name + "check", (e) => check(name, e.currentTarget)), ...all] : all;
}

/* What the platform itself says of it. */
async function check(name, pressed) {
  pressed.disabled = true;
  try {
    const lines = (await api("POST", "/endpoints/" + encodeURIComponent(name) + "/check")).items;
    sheet(name + ", asked at its platform", el("ul", { class: "steps" }, lines.map((l) => el("li", { class: look(l.result) },
      el("b", {}, plain(l.result) + " "), l.found, l.next ? el("div", { class: "quiet" }, "Next: " + l.next) : null))),
    lines.length === 0 ? el("p", { class: "quiet" }, "There is nothing to ask there.") : null);
  } catch (e) {
    say(e.message, true);
  } finally {
    pressed.disabled = false;
  }
}

function draw_ends(s) {
  const head = (text, style) => ({ text, look: style || "" });
  fill($("endpoints"), s.endpoints.length === 0 ? el("p", { class: "card none" }, "None is configured.") : table(
    [head("Endpoint", "name"), head("State"), head("Sent, 24 h", "n"), head("Errors", "n"), head("Waiting", "n"),
      head("Parked", "n"), head("Last callback", "n"), head("", "acts")],
    s.endpoints.map((e) => [
      [e.name, el("span", { class: "note" }, e.platform)],
      [pill(e.state), e.note ? el("span", { class: "note" }, e.note) : ""],
      number(e.sent_24h), some(e.errors_24h), number(e.waiting), some(e.parked), ago(e.last_callback),
      controls("endpoint", e.name, e.state)])), [s.endpoints, minute()]);
  const way = (w) => [number(w.delivered_24h), w.median_ms === null ? "" : el("span", { class: "note" }, span(w.median_ms))];
  const oldest = (b) => Math.max(b.to_agents.oldest_ms || 0, b.to_customers.oldest_ms || 0);
  fill($("bridges"), s.bridges.length === 0 ? [] : table(
    [head("Bridge", "name"), head("State"), head("To agents, 24 h", "n"), head("To customers, 24 h", "n"), head("Waiting", "n"),
      head("Oldest", "n"), head("Parked", "n"), head("Repaired, 24 h", "n"), head("", "acts")],
    s.bridges.map((b) => [
      [b.name, el("span", { class: "note" }, b.customers + " ⇄ " + b.agents)],
      pill(b.state), way(b.to_agents), way(b.to_customers), number(b.to_agents.waiting + b.to_customers.waiting),
      oldest(b) ? span(oldest(b)) : "", some(b.parked), some(b.repaired_24h), controls("bridge", b.name, b.state)])), s.bridges);
}

/* ---- what is parked ---- */

const MEANING = {
  uncertain: "It may have arrived: look there, then drop it (it did) or retry it (it did not).",
  expired: "It was tried until its time was over. Retry it when the platform is back.",
  overflow: "Too many waited for this person. Clear the first ones, then retry.",
  loop: "Two machines answered each other, it seems. See both ends, then retry or drop.",
  endpoint_removed: "Its endpoint is not configured any more. Put it back, and it goes on by itself; or drop it.",
  unparsable: "A genuine callback that could not be read. Retry it after an update, or drop it.",
  unreachable: "The bridge cannot reach this person: the customer has to write first.",
  not_found: "The conversation is gone there. The customer's next message opens another.",
  opted_out: "This person wants no messages. Nothing to do until they write again.",
  quota: "The platform takes no more: see the plan or the credit of the account, then retry.",
};
const EDITABLE = ["invalid", "too_large", "unsupported"];

function wanted() {
  const f = new FormData($("filters")), filter = {};
  for (const key of ["endpoint", "bridge", "reason"]) if (f.get(key)) filter[key] = f.get(key);
  return filter;
}

function draw_filters(s) {
  const set = (name, all, values) => {
    const select = $("filters").elements[name], now = select.value;
    const list = values.includes(now) || !now ? values : [...values, now];
    if (here.seen["filter " + name] === list.join()) return;
    here.seen["filter " + name] = list.join();
    select.replaceChildren(el("option", { value: "" }, all), ...list.map((v) => el("option", { value: v }, plain(v))));
    select.value = now;
  };
  set("endpoint", "all", s.endpoints.map((e) => e.name));
  set("bridge", "all", s.bridges.map((b) => b.name));
  set("reason", "all", Object.keys(s.parked.reasons));
  $("filters").hidden = s.parked.total === 0 && Object.keys(wanted()).length === 0;
  $("parked-count").textContent = s.parked.total > 0 ? number(s.parked.total) : "";
}

function draw_parked() {
  const list = here.parked, filter = wanted(), filtered = Object.keys(filter).length > 0;
  fill($("parked-list"), list.items.length === 0
    ? el("p", { class: "card none" }, filtered ? "Nothing of that kind is parked." : "Nothing waits for a person.")
    : table([{ text: "Message", look: "name" }, { text: "Since", look: "" }, { text: "Where", look: "" }, { text: "Reason", look: "" },
      { text: "Words", look: "" }, { text: "", look: "acts" }],
    list.items.map((i) => [
      el("button", { class: "link mono", type: "button", "data-key": "open" + i.id, on: () => open_parked(i.id) }, i.id),
      ago(i.since), i.bridge ? i.bridge + " → " + (i.endpoint || "?") : i.endpoint || "",
      [plain(i.reason || "?"), i.detail ? el("span", { class: "note" }, i.detail) : ""],
      i.text ? el("span", { class: "excerpt" }, i.text) : i.kind ? "[" + plain(i.kind) + "]" : "",
      [button("Retry", "retry" + i.id, () => retry(i.id)), button("Show", "show" + i.id, () => open_parked(i.id))]])),
  [list.items, filtered, minute()]);
  const suffix = filtered ? " of these" : "";
  fill($("parked-all"), list.total === 0 ? [] : [
    list.next ? button("Show more", "more", () => load_parked(list.next), "") : null,
    list.total > 1 ? button("Retry all " + number(list.total) + suffix, "retryall", () => all_parked("retry", list.total, filter), "") : null,
    list.total > 1 ? button("Drop all " + number(list.total) + suffix, "dropall", () => all_parked("drop", list.total, filter), "risky") : null,
  ].filter(Boolean), [list.total, list.next, filter]);
}

async function load_parked(cursor) {
  const query = new URLSearchParams(Object.assign(wanted(), { limit: PAGE }));
  if (cursor) query.set("cursor", cursor);
  const page = await api("GET", "/parked?" + query);
  /* What was asked for by "Show more" stays, as long as it is still there. */
  const shown = cursor ? [...here.parked.items, ...page.items] : page.items;
  here.parked = { items: shown, next: page.next, total: page.total };
  here.deep = Boolean(cursor);
  draw_parked();
}

const retry = (id) => act(() => api("POST", "/parked/" + id + "/retry"), id + " is put back.");

async function drop(id) {
  if (!await sure("Drop " + id + "?", "It is given up, and will never be sent. Its trace stays.", "Drop it", true)) return false;
  return act(() => api("DELETE", "/parked/" + id), id + " is dropped.");
}

async function all_parked(what, total, filter) {
  const which = Object.entries(filter).map(([k, v]) => k + " " + plain(v)).join(", ");
  const text = (what === "retry" ? "Each goes to the end of its lane; what may have left before is looked for first."
    : "They are given up, and will never be sent. Their traces stay.") + (which ? "\nOnly: " + which + "." : "");
  const head = (what === "retry" ? "Retry all " : "Drop all ") + number(total) + "?";
  if (await sure(head, text, what === "retry" ? "Retry them" : "Drop them", what === "drop"))
    act(() => api("POST", "/parked/" + what, { filter, expect: total }),
      (r) => many(r.done, "message") + (what === "retry" ? " put back." : " dropped.") + (r.refused ? " " + number(r.refused) + " refused." : ""));
}

const facts = (pairs) => el("dl", {}, pairs.filter(([, v]) => v).map(([k, v]) => [el("dt", {}, k), el("dd", {}, v)]));

function steps(attempts) {
  if (!attempts || attempts.length === 0) return null;
  return el("ul", { class: "steps" }, attempts.map((t) => el("li", { class: look(t.state) },
    el("b", {}, plain(t.state)), t.step && !t.who ? " at " + plain(t.step) : "", t.reason ? ": " + plain(t.reason) : "",
    t.who ? " by " + t.who : "", el("span", { class: "quiet" }, " · attempt " + t.attempt + " · ", ago(t.at)),
    t.detail ? el("div", { class: "quiet" }, t.detail) : null)));
}

async function open_parked(id) {
  let one;
  try {
    one = await api("GET", "/parked/" + id);
  } catch (e) {
    say(e.message, true);
    look_again();
    return;
  }
  const wrong = el("p", { role: "alert", class: "lost", hidden: true });
  const words = one.edited ? one.edited.text : one.text;
  const close = (ok) => ok && $("sheet").close();
  const edit = el("textarea", { id: "words", "aria-label": "Other words" });
  const form = el("div", { hidden: true }, edit, el("p", { class: "quiet" },
    "The message leaves with these words. The original stays in the trace, with who changed it."));
  const send = el("button", { type: "button", class: "first", hidden: true, on: async () => {
    try {
      await api("PATCH", "/parked/" + id, { text: edit.value }, { "If-Match": one.etag });
      if (await act(() => api("POST", "/parked/" + id + "/retry"), id + " is put back, with other words.")) $("sheet").close();
    } catch (e) {
      wrong.textContent = e.status === 412 ? "Somebody else has changed it meanwhile. Close and open it again." : e.message;
      wrong.hidden = false;
    }
  } }, "Send with these words");
  const change = el("button", { type: "button", on: () => {
    edit.value = words || "";
    form.hidden = send.hidden = false;
    change.hidden = again.hidden = true;
    edit.focus();
  } }, "Edit");
  const again = el("button", { type: "button", class: "first", on: async () => close(await retry(id)) }, "Retry");
  sheet(id + ", parked",
    el("p", {}, MEANING[one.reason] || "The platform refused it. Retry it, edit it where its words are the reason, or drop it."), wrong,
    facts([["Reason", [plain(one.reason || "?"), one.detail ? ": " + one.detail : ""]], ["Since", ago(one.since)],
      ["Where", one.bridge ? one.bridge + " → " + one.endpoint : one.endpoint], ["Event", one.event && el("button", { type: "button",
        class: "link mono", on: () => trace(one.event) }, one.event)],
      ["Changed", one.edited && [ago(one.edited.at), " by " + one.edited.by]]]),
    words ? el("div", { class: "words" }, words) : null, form,
    el("div", { class: "row" }, again, send,
      words && EDITABLE.includes(one.reason) ? change : null,
      el("button", { type: "button", class: "risky", on: async () => close(await drop(id)) }, "Drop")),
    steps(one.attempts) && [el("h3", {}, "What was tried"), steps(one.attempts)]);
}

/* ---- one message, one conversation ---- */

async function trace(id) {
  const t = await api("GET", "/messages/" + encodeURIComponent(id) + "/trace");
  sheet("Message " + t.event,
    facts([["Kind", plain(t.kind) + (t.origin && t.origin !== "live" ? ", " + t.origin : "")], ["Said", ago(t.at)],
      ["Stored", ago(t.stored)], ["Came as", t.source && el("code", {}, t.source)],
      ["In", t.conversation && el("code", {}, t.conversation)],
      ["By", t.author && [t.author.name, t.author.role].filter(Boolean).join(", ")],
      ["Routed", t.routed === false ? "not yet" : ""]]),
    t.text ? el("div", { class: "words" }, t.text) : null,
    (t.deliveries || []).map((d) => [
      el("h3", {}, d.id + " over " + (d.bridge || "?") + " to " + (d.endpoint || "?") + " ", pill(d.state)),
      facts([["Reason", d.reason && plain(d.reason) + (d.detail ? ": " + d.detail : "")], ["There as", d.remote && el("code", {}, d.remote)],
        ["In", d.conversation && el("code", {}, d.conversation)], ["Due", ago(d.due)], ["Ended", ago(d.ended)],
        ["Changed", d.edited && [ago(d.edited.at), " by " + d.edited.by, el("div", { class: "words" }, d.edited.text)]]]),
      d.state === "parked" ? el("div", { class: "row" }, button("Open " + d.id, "", () => open_parked(d.id), "")) : null,
      steps(d.attempts)]),
    (t.deliveries || []).length === 0 ? el("p", { class: "quiet" }, "It went nowhere: no bridge took it, or it is not routed yet.") : null);
}

async function links(q) {
  const found = await api("GET", "/links?limit=20&q=" + encodeURIComponent(q));
  return found.items.map((l) => el("div", { class: "card run" },
    el("div", { class: "row" }, el("b", {}, l.bridge + " "), el("span", { class: "quiet" }, l.id + (l.gone ? ", gone" : ""))),
    facts([["Customer's side", l.customers && el("code", {}, l.customers)], ["Agents' side", l.agents && el("code", {}, l.agents)]])));
}

/* A message's id, else whatever tells a conversation. */
async function find(sought) {
  let said = null, found = [];
  try {
    if (/^h\d+$/.test(sought)) return await open_parked(sought);
    return await trace(sought);
  } catch (e) {
    if (e.status === 409) {
      return sheet("Which one?", el("p", {}, "Several endpoints know a message of that id."),
        el("div", { class: "row" }, e.said.detail.split(" ").map((id) => button(id, "", () => find(id), "mono"))));
    }
    if (e.status !== 404) throw e;
    said = e;
  }
  found = await links(sought).catch(() => []);
  return sheet(found.length ? "Conversations" : "Nothing found", found.length ? found
    : [el("p", {}, said.message), el("p", { class: "quiet" }, "A message is found by e812, d1440, desk:40871 or a platform's own id; " +
      "a conversation by its id there.")]);
}

/* ---- charts ---- */

const CHARTS = [
  ["hooks_total", "Callbacks a minute", (v) => number(Math.round(v))],
  ["relayed_total", "Relayed a minute", (v) => number(Math.round(v))],
  ["waiting", "Waiting", (v) => number(Math.round(v))],
  ["oldest_seconds", "Oldest waiting", (v) => v ? span(v * 1000) : "0"],
  ["parked", "Parked", (v) => number(Math.round(v))],
  ["retries_total", "Retries a minute", (v) => number(Math.round(v))],
];
const WIDTH = 480, HEIGHT = 96;

/* At most so many points: of each few minutes the highest, since what matters at night is the peak. */
function thin(values, most) {
  const step = Math.ceil(values.length / most), out = [];
  for (let i = 0; i < values.length; i += step) {
    const part = values.slice(i, i + step).filter((v) => v !== null);
    out.push(part.length ? Math.max(...part) : null);
  }
  return out;
}

function path(values, top, closed) {
  let d = "", open = false;
  const x = (i) => (values.length < 2 ? WIDTH : i * WIDTH / (values.length - 1)).toFixed(1);
  const y = (v) => (HEIGHT - 2 - v / top * (HEIGHT - 10)).toFixed(1);
  let first = 0;
  values.forEach((v, i) => {
    if (v === null) {
      if (open && closed) d += "L" + x(i - 1) + "," + HEIGHT + "L" + x(first) + "," + HEIGHT + "Z";
      open = false;
      return;
    }
    if (!open) first = i;
    d += (open ? "L" : "M") + x(i) + "," + y(v) + (open || closed ? "" : "h0");   /* one alone is a dot */
    open = true;
  });
  if (open && closed) d += "L" + x(values.length - 1) + "," + HEIGHT + "L" + x(first) + "," + HEIGHT + "Z";
  return d;
}

/* Of what is counted a minute that is not over says too little, unless there is no other. */
function whole(values, name) {
  return name.endsWith("_total") && (values.at(-2) ?? null) !== null ? values.slice(0, -1) : values;
}

function chart(name, title, words, data) {
  for (const s of data.series) s.values = whole(s.values, name);
  const rows = data.series.map((s) => thin(s.values, 240)), known = rows.flat().filter((v) => v !== null);
  const top = Math.max(1, ...known), last = data.series.map((s) => s.values.at(-1) ?? null);
  const names = data.series.map((s) => plain(Object.values(s.labels).join(" ")));
  const until = new Date(data.until), back = (part) => new Date(until - part * data.minutes * 60000)
    .toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const now = last.map((v, i) => v === null ? "" : words(v)).filter(Boolean).join(" / ");
  const readout = el("span", {}, known.length ? (now || "?") + " · peak " + words(Math.max(...known)) : "nothing yet");
  const usual = readout.textContent, mark = svg("line", { class: "mark", y1: 0, y2: HEIGHT, x1: -9, x2: -9 });
  const picture = svg("svg", { viewBox: "0 0 " + WIDTH + " " + HEIGHT, preserveAspectRatio: "none", role: "img",
    "aria-label": title + ": " + usual },
  svg("line", { class: "grid", x1: 0, x2: WIDTH, y1: HEIGHT - 1, y2: HEIGHT - 1 }),
  ...rows.flatMap((r, i) => [...(i === 0 ? [svg("path", { class: "area", d: path(r, top, true) })] : []),
    svg("path", { class: "ab"[i] || "a", d: path(r, top) })]), mark);
  picture.addEventListener("pointermove", (e) => {
    const box = picture.getBoundingClientRect(), part = Math.min(1, Math.max(0, (e.clientX - box.left) / box.width));
    const at = Math.round(part * (rows[0].length - 1)), x = String(part * WIDTH);
    mark.setAttribute("x1", x);
    mark.setAttribute("x2", x);
    readout.textContent = back(1 - part) + " · " + (rows.some((r) => r[at] !== null)
      ? rows.map((r) => r[at] === null ? "?" : words(r[at])).join(" / ") : "not known");
  });
  picture.addEventListener("pointerleave", () => {
    mark.setAttribute("x1", "-9");
    mark.setAttribute("x2", "-9");
    readout.textContent = usual;
  });
  return el("figure", { class: "card", "data-metric": name }, el("figcaption", {}, el("b", {}, title), readout), picture,
    el("div", { class: "ticks", "aria-hidden": "true" }, [1, 0.75, 0.5, 0.25, 0].map((p) => el("span", {}, p ? back(p) : "now"))),
    names.length > 1 ? el("div", { class: "legend" }, names.map((n, i) => el("span", {}, el("i", { class: "ab"[i] }), n))) : null);
}

async function draw_charts() {
  const all = await Promise.all(CHARTS.map(([metric]) => api("GET", "/series?metric=" + metric + "&minutes=" + here.minutes)));
  fill($("charts"), CHARTS.map(([metric, title, words], i) => chart(metric, title, words, all[i])), all);
}

/* ---- history, comparisons, alarms ---- */

function draw_migrations(runs) {
  $("history").hidden = runs.length === 0;
  fill($("migrations"), runs.slice(0, 10).map((m) => {
    const over = m.written + m.failed + Object.values(m.skipped || {}).reduce((a, b) => a + b, 0);
    const act_on = (text, what, body, words) => button(text, m.id + text, async () => {
      if (await sure(text + " " + m.id + "?", words, text)) act(() => api("POST", what, body), m.id + ": done");
    });
    return el("div", { class: "card run" },
      el("div", { class: "row" }, el("span", {}, el("b", {}, m.id), " " + m.from + " → " + m.to + (m.dry_run ? ", a plan" : "") + " "),
        el("span", { class: "row" }, pill(m.state),
          m.running ? act_on("Stop", "/migrations/" + m.id + "/stop", {}, "Conversations under way come to their end; it can go on later.") : null,
          m.state === "stopped" || m.state === "failed" ? act_on("Resume", "/migrations", { resume: m.id }, "It goes on where it was.") : null)),
      m.running ? el("progress", { max: Math.max(1, m.read), value: over, "aria-label": m.id + ": of what was read" }) : null,
      el("p", { class: "quiet" }, [many(m.conversations, "conversation"), many(m.read, "message") + " read", number(m.written) + " written",
        number(over - m.written - m.failed) + " skipped", number(m.failed) + " failed", m.under_way ? number(m.under_way) + " under way" : ""]
        .filter(Boolean).join(" · "), m.ended ? [" · ended ", ago(m.ended)] : m.begun ? [" · begun ", ago(m.begun)] : ""),
      m.reason ? el("p", {}, m.reason) : null);
  }), [runs, minute()]);
}

function draw_sweeps(items) {
  $("compared").hidden = items.length === 0;
  fill($("sweeps"), table([{ text: "Endpoint", look: "name" }, { text: "Compared", look: "" }, { text: "Checked", look: "n" },
    { text: "Missing", look: "n" }, { text: "Repaired", look: "n" }],
  items.map((s) => [s.endpoint, s.running ? "now" : s.error || (s.ended ? ago(s.ended) : "not yet"), number(s.checked),
    some(s.missing), number(s.repaired)])), [items, minute()]);
}

function draw_alarms(items) {
  const over = items.filter((a) => a.cleared).slice(0, 10);
  $("past").hidden = over.length === 0;
  fill($("alarms"), table([{ text: "Alarm", look: "name" }, { text: "Raised", look: "" }, { text: "Lasted", look: "" }, { text: "What", look: "" }],
    over.map((a) => [[a.id, el("span", { class: "note" }, plain(a.kind))], ago(a.raised), span(new Date(a.cleared) - new Date(a.since || a.raised)),
      a.text])), [over, minute()]);
}

/* ---- the beat ---- */

async function look_now() {
  const s = here.status = await api("GET", "/status");
  draw_wrong(s);
  draw_ends(s);
  draw_filters(s);
  if (!here.deep) await load_parked(null);
  const compare = button("Compare now", "compare", () => act(() => api("POST", "/reconciliations", {}), "Both sides are being compared."));
  const [runs, sweeps] = await Promise.all([api("GET", "/migrations"), api("GET", "/reconciliations")]);
  draw_migrations(runs.items);
  draw_sweeps(sweeps.items);
  if (!$("compared").querySelector("button")) $("compared").querySelector(".head").append(compare);
  $("foot").textContent = ["version " + s.relay.version, "running for " + span(s.relay.uptime_ms),
    "store " + bytes(s.store.bytes) + " (" + plain(s.store.state) + ")", bytes(s.store.disk_free) + " free",
    "callbacks " + s.relay.callbacks_per_sec.toFixed(1) + "/s", "looked at " + new Date().toLocaleTimeString([], { hourCycle: "h23" })].join(" · ");
  if (Date.now() - (here.slow || 0) >= SLOW_MSECS) {
    here.slow = Date.now();
    draw_alarms((await api("GET", "/alarms?limit=100")).items);
    await draw_charts();
  }
}

/* One look at a time; the next a while after its end. */
async function beat() {
  clearTimeout(here.timer);
  if (here.busy || !here.csrf) return;
  here.busy = true;
  try {
    await look_now();
    $("lost").hidden = true;
  } catch (e) {
    $("lost").textContent = e instanceof Problem ? e.message : "The relay does not answer. What stands below is how it was before.";
    $("lost").hidden = false;
  }
  here.busy = false;
  if (here.again) {
    here.again = false;
    beat();
  } else if (here.csrf && !document.hidden) {
    here.timer = setTimeout(beat, LOOK_MSECS);
  }
}

function look_again() {
  here.deep = false;
  if (here.busy) here.again = true;
  else beat();
}

/* ---- in and out ---- */

function showLogin() {
  here.csrf = "";
  clearTimeout(here.timer);
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
  $("inside").hidden = true;
  $("login").hidden = false;
  $("password").focus();
}

function enter(csrf) {
  here.csrf = csrf;
  here.slow = 0;
  $("login").hidden = true;
  $("inside").hidden = false;
  look_again();
}

$("login").addEventListener("submit", async (e) => {
  e.preventDefault();
  $("login-said").textContent = "";
  try {
    enter((await ask("POST", "/admin/login", { password: $("password").value })).csrf);
    $("password").value = "";
    $("main").focus();
  } catch (problem) {
    $("login-said").textContent = problem instanceof Problem ? problem.said.detail || problem.message : "The relay does not answer.";
    $("password").select();
  }
});

$("logout").addEventListener("click", async () => {
  await ask("POST", "/admin/logout").catch(() => {});
  location.reload();
});

$("search").addEventListener("submit", async (e) => {
  e.preventDefault();
  const sought = $("sought").value.trim();
  if (sought) await find(sought).catch((problem) => say(problem.message, true));
});

$("filters").addEventListener("change", () => look_again());
document.querySelector("#numbers .choice").addEventListener("click", (e) => {
  const minutes = Number(e.target.dataset.minutes);
  if (!minutes) return;
  here.minutes = minutes;
  for (const b of e.currentTarget.children) b.setAttribute("aria-pressed", String(b === e.target));
  draw_charts().catch((problem) => say(problem.message, true));
});
document.querySelector("[data-close]").addEventListener("click", () => $("sheet").close());
$("sheet").addEventListener("click", (e) => { if (e.target === $("sheet")) $("sheet").close(); });
document.addEventListener("keydown", (e) => {
  if (e.key === "/" && !/INPUT|TEXTAREA|SELECT/.test(document.activeElement.tagName) && !$("inside").hidden) {
    e.preventDefault();
    $("sought").focus();
  }
});
document.addEventListener("visibilitychange", () => { if (!document.hidden && here.csrf) beat(); });

ask("GET", "/admin/session").then((s) => enter(s.csrf), showLogin);
