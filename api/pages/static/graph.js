// The graph page: vis-network draws what the state says; positions come from the server.
// Text is set as text everywhere, never as HTML.
import { data as left } from "./desk.js";
import { View } from "./graph-state.js";

/** @typedef {import("./graph-state.js").Node} Node */
/** @typedef {import("./graph-state.js").Edge} Edge */

const data = left();
const view = new View(data.groups);
const say = (/** @type {string} */ word) => data.words[word] ?? word;
/** @param {string} id @returns {any} */
const byId = (id) => document.getElementById(id);
const holder = byId("network");
const FACE = "Noto Sans SC, Microsoft YaHei, PingFang SC, sans-serif";
/** @type {any} */ const vis = /** @type {any} */ (window).vis;
const nodeSet = new vis.DataSet(), edgeSet = new vis.DataSet();
/** @type {any} */ let network = null;
/** @type {Map<number | string, string>} */ const drawn = new Map();
/** @type {number | null} */ let chosen = null;
/** Keys that the address of the view begins with. */
const scene = new URL(byId("scene").href), asked = scene.searchParams, looks = new Set(asked.getAll("look")), dropped = new Set(asked.getAll("drop"));
/** @type {{of: number[], text: string}[]} */ let paths = [];

// --- Asking the server -----------------------------------------------------------------------

/** @param {string} path @param {object} [body] */
async function ask(path, body) {
  const csrf = /** @type {HTMLMetaElement | null} */ (document.querySelector("meta[name=csrf]"))?.content ?? "";
  const answer = await fetch(`/api/v1/graph/${path}`, body === undefined ? {} : {
    method: "POST", headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf }, body: JSON.stringify(body),
  });
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    throw new Error(problem.detail ?? answer.statusText);
  }
  return answer;
}

/** @param {string} path @param {object} [body] @returns {Promise<any>} */
const json = async (path, body) => (await ask(path, body)).json();
const shown = () => ({ version: data.version, shown: view.placed() });

/** Do something that may fail, and say so. @param {() => Promise<void>} work */
const tried = (work) => work().catch((error) => hint(`${say("请求失败")}：${error.message}`, true));

/** @param {string} text @param {boolean} [bad] */
function hint(text, bad = false) {
  byId("hint").textContent = text;
  byId("hint").classList.toggle("bad", bad);
}

// --- Drawing ---------------------------------------------------------------------------------

/** @returns {import("./graph-state.js").Filter} */
function filter() {
  /** @param {string} id */
  const checked = (id) => new Set([...byId(id).querySelectorAll("input:checked")].map((box) => box.value));
  return { kinds: checked("kinds"), lines: checked("lines"), place: byId("place").value, since: byId("since").value, sure: Number(byId("sure").value) };
}

/** @param {Node} node */
function caption(node) {
  const kind = byId("caption").value;
  const more = kind === "place" ? node.place : kind === "size" ? node.amount : "";
  return kind === "none" ? "" : more ? `${node.label}\n${more}` : node.label;
}

/** Bring vis-network to the state; only what differs is touched. */
function draw() {
  const { nodes, edges } = view.shown(filter());
  start();
  /** @param {any} set @param {{id: number}[]} items @param {string} prefix */
  const bring = (set, items, prefix) => {
    const keep = new Set(items.map((item) => item.id)), changed = [];
    for (const item of items) {
      const text = JSON.stringify(item);
      if (drawn.get(prefix + item.id) !== text) { drawn.set(prefix + item.id, text); changed.push(item); }
    }
    const gone = set.getIds().filter((/** @type {number} */ id) => !keep.has(id));
    for (const id of gone) drawn.delete(prefix + id);
    if (gone.length) set.remove(gone);
    if (changed.length) set.update(changed);
  };
  const onPath = new Set(paths.flatMap((path) => path.of));
  bring(nodeSet, nodes.map((node) => {
    const [x, y] = /** @type {[number, number]} */ (view.now.placed.get(node.id));
    const pinned = view.now.pinned.has(node.id), marked = onPath.has(node.id);
    return {
      id: node.id, x, y, label: caption(node), shape: node.shape, size: node.size,
      color: { background: node.color, border: pinned || marked ? "#111111" : "#ffffff", highlight: { background: node.color, border: "#111111" }, hover: { background: node.color, border: "#111111" } },
      borderWidth: pinned || marked ? 3 : 1, shapeProperties: { borderDashes: pinned ? [4, 2] : false }, fixed: false, physics: false,
    };
  }), "n");
  bring(edgeSet, edges.map((edge) => ({
    id: edge.id, from: edge.from, to: edge.to, dashes: edge.dashes, color: { color: edge.color, highlight: edge.color, hover: edge.color },
    width: onPath.has(edge.from) && onPath.has(edge.to) ? 2.5 : 1,
  })), "e");
  byId("counts").textContent = `${nodes.length} ${say("个节点")}，${edges.length} ${say("条关系")}`;
  byId("undo").disabled = !view.past.length;
  byId("redo").disabled = !view.future.length;
  byId("total").textContent = `${nodes.length} / ${edges.length}`;
  if (byId("twin").open) table(nodes, edges);
  if (chosen !== null && !view.now.placed.has(chosen)) panel(null);
}

/** Make the network when there is something to draw. */
function start() {
  if (network || !view.now.placed.size) return;
  byId("ideas")?.remove();
  holder.setAttribute("role", "img");
  network = new vis.Network(holder, { nodes: nodeSet, edges: edgeSet }, {
    physics: false, layout: { improvedLayout: false },
    interaction: { hover: true, hoverConnectedEdges: true, selectConnectedEdges: true, keyboard: false, hideEdgesOnDrag: false },
    nodes: { font: { size: 14, face: FACE, color: "#1c2733", strokeWidth: 3, strokeColor: "#ffffff" } },
    edges: { arrows: { to: { enabled: true, scaleFactor: 0.45 } }, smooth: false, selectionWidth: 1.4, hoverWidth: 0.8 },
  });
  network.on("click", (/** @type {any} */ at) => {
    if (at.nodes.length) void tried(() => panel(at.nodes[0]));
    else if (at.edges.length) void tried(() => line(at.edges[0]));
    else void panel(null);
  });
  network.on("doubleClick", (/** @type {any} */ at) => {
    const node = view.nodes.get(at.nodes[0]);
    const next = node?.groups.find(([group, count]) => view.left(node.id, group, count) > 0);
    if (node && next) void tried(() => expand(node.id, next[0]));
  });
  network.on("hoverNode", (/** @type {any} */ at) => {
    const node = /** @type {Node} */ (view.nodes.get(at.node));
    hint([data.titles[node.kind], node.name, node.place, node.amount, `${node.degree} ${say("条关系")}`, node.as_of].filter(Boolean).join(" · "));
  });
  network.on("hoverEdge", (/** @type {any} */ at) => {
    const edge = /** @type {Edge} */ (view.edges.get(at.edge));
    hint([`${view.nodes.get(edge.from)?.name} → ${view.nodes.get(edge.to)?.name}`, edge.name, edge.as_of, edge.stated.join("；") || say("无来源")].join(" · "));
  });
  network.on("dragEnd", (/** @type {any} */ at) => {
    if (!at.nodes.length) return;
    const places = network.getPositions(at.nodes);
    view.change((state) => {
      for (const id of at.nodes) {
        state.placed.set(id, [Math.round(places[id].x), Math.round(places[id].y)]);
        state.pinned.add(id);
      }
    });
    draw();
  });
  network.on("beforeDrawing", (/** @type {CanvasRenderingContext2D} */ ctx) => {
    if (!view.now.bands.length) return;
    const ys = [...view.now.placed.values()].map(([, y]) => y);
    const top = Math.min(...ys) - 110, high = Math.max(...ys) - top + 80;
    // The names of stages stay in sight, and of one size, however far one zooms in.
    const size = 16 / network.getScale(), head = Math.max(top + 1.4 * size, network.DOMtoCanvas({ x: 0, y: 22 }).y);
    for (const band of view.now.bands) {
      ctx.fillStyle = "#f1f5f9";
      ctx.fillRect(band.x, top, band.w, high);
      ctx.fillStyle = "#14365a";
      ctx.font = `bold ${size}px ${FACE}`;
      ctx.textAlign = "center";
      ctx.fillText(band.name, band.x + band.w / 2, head);
    }
  });
}

function fit() {
  network?.fit({ maxZoomLevel: 1.1 });
  // Room for the names of stages above the nodes.
  if (view.now.bands.length) network?.moveTo({ scale: 0.9 * network.getScale(), offset: { x: 0, y: 14 } });
}

// --- Tables ----------------------------------------------------------------------------------

/** @param {string} tag @param {string} [text] @param {Record<string, string>} [more] */
function make(tag, text = "", more = {}) {
  const element = document.createElement(tag);
  element.textContent = text;
  for (const [name, value] of Object.entries(more)) element.setAttribute(name, value);
  return element;
}

/** @param {string} text @param {() => Promise<void> | void} work */
function button(text, work) {
  const element = make("button", text, { type: "button" });
  element.addEventListener("click", () => void tried(async () => { await work(); }));
  return element;
}

/** The words of a group: how many there are, and how many one click shows. @param {Node} node @param {number} group @param {number} count */
function offer(node, group, count) {
  const { title, measure } = data.groups[group];
  const remain = view.left(node.id, group, count), now = count - remain;
  const step = Math.min(data.step, remain);
  const first = `${title} ${count} ${say("个")}`;
  if (!remain) return `${first}（${say("已显示")}）`;
  if (now) return `${first}（${say("已显示")} ${now}，${say("再显示")} ${step}）`;
  return step < count ? `${first}：${say("显示前")} ${step}（${say("按")}${measure}）` : first;
}

/** @param {Node} node */
const profile = (node) => `/${node.kind.toLowerCase()}/${encodeURIComponent(node.key.slice(node.kind.length + 1))}`;

/** Fill the table twin. @param {Node[]} nodes @param {Edge[]} edges */
function table(nodes, edges) {
  byId("nodetable").tBodies[0].replaceChildren(...nodes.map((node) => {
    const row = make("tr");
    const name = make("th", "", { scope: "row" });
    name.append(make("a", node.name, { href: profile(node) }));
    const groups = make("td"), act = make("td");
    for (const [group, count] of node.groups) {
      if (view.left(node.id, group, count) > 0) groups.append(button(offer(node, group, count), () => expand(node.id, group)));
      else groups.append(make("span", offer(node, group, count)));
    }
    act.append(button(say("隐藏"), () => hide(node.id)), button(say("移除"), () => drop(node.id)));
    row.append(make("td", data.titles[node.kind]), name, make("td", node.place), make("td", node.amount), groups, act);
    return row;
  }));
  byId("edgetable").tBodies[0].replaceChildren(...edges.map((edge) => {
    const row = make("tr");
    row.append(make("th", view.nodes.get(edge.from)?.name, { scope: "row" }), make("td", edge.name), make("td", view.nodes.get(edge.to)?.name),
      make("td", edge.as_of), make("td", edge.confidence === null ? "" : String(edge.confidence), { class: "number" }), make("td", edge.stated.join("；")));
    return row;
  }));
}

// --- The panel -------------------------------------------------------------------------------

/** @param {[string, string][][]} facts */
function factList(facts) {
  const box = make("div");
  for (const fact of facts) {
    const list = make("dl", "", { class: "facts" });
    for (const [term, value] of fact) list.append(make("dt", term), make("dd", value));
    box.append(list);
  }
  return box;
}

/** Show a node in the panel. @param {number | null} id */
async function panel(id) {
  chosen = id;
  const box = byId("panel");
  const node = id === null ? undefined : view.nodes.get(id);
  if (!node) {
    box.replaceChildren(make("p", say("选中一个节点查看详情"), { class: "hint" }));
    return;
  }
  const pinned = view.now.pinned.has(node.id);
  const tools = make("div", "", { class: "tools" });
  tools.append(
    button(pinned ? say("取消固定") : say("固定"), () => pin(node.id)), button(say("隐藏"), () => hide(node.id)),
    button(say("收起"), () => { view.collapse(node.id); draw(); return panel(node.id); }), button(say("移除"), () => drop(node.id)),
  );
  const groups = make("div", "", { class: "groups" });
  for (const [group, count] of node.groups) {
    const element = button(offer(node, group, count), () => expand(node.id, group));
    if (view.left(node.id, group, count) <= 0) element.setAttribute("disabled", "");
    groups.append(element);
  }
  const ends = make("div", "", { class: "tools" });
  ends.append(
    button(say("以此为路径起点"), () => { byId("pathbox").open = true; byId("source").value = node.key; }),
    button(say("以此为路径终点"), () => { byId("pathbox").open = true; byId("target").value = node.key; }),
  );
  const facts = make("div", "…");
  box.replaceChildren(
    make("h2", node.name), make("p", [data.titles[node.kind], node.place, node.amount].filter(Boolean).join(" · "), { class: "soft" }),
    make("a", say("打开档案"), { href: profile(node) }), groups, tools, ends, make("h3", say("事实与来源")), facts,
  );
  box.scrollTop = 0;
  network?.selectNodes([node.id]);
  const detail = await json(`detail?node=${node.id}&version=${data.version}`);
  facts.replaceChildren(factList(detail.facts));
}

/** Show a line in the panel. @param {number} id */
async function line(id) {
  chosen = null;
  const edge = /** @type {Edge} */ (view.edges.get(id));
  const detail = await json(`detail?line=${id}&version=${data.version}`);
  const more = make("p");
  for (const [at, end] of detail.ends.entries()) {
    if (at) more.append(" → ");
    more.append(make("a", end.name, { href: profile(/** @type {Node} */ (view.nodes.get(at ? edge.to : edge.from))) }));
  }
  byId("panel").replaceChildren(make("h2", edge.name), more, make("h3", say("事实与来源")), factList(detail.facts));
}

// --- What people do --------------------------------------------------------------------------

/** Add what the server sent to the state. @param {any} sent @param {(state: import("./graph-state.js").State) => void} [more] */
function take(sent, more = () => {}) {
  view.learn(sent);
  view.change((state) => {
    for (const node of sent.nodes) state.placed.set(node.id, [node.x, node.y]);
    more(state);
  });
  draw();
}

/** @param {number} node @param {number} group */
async function expand(node, group) {
  const key = `${node}|${group}`;
  const sent = await json("expand", { ...shown(), node, group: data.groups[group].code });
  take(sent, (state) => {
    state.opened.set(key, [...(state.opened.get(key) ?? []), ...sent.of]);
    state.clicks.set(key, (state.clicks.get(key) ?? 0) + 1);
  });
  hint(sent.full ? say("已达上限，请先收起或隐藏一部分") : `${sent.title}：${say("已显示")} ${view.here(node, group).length} / ${sent.total}`);
  if (chosen === node) await panel(node);
}

/** @param {string[]} keys @param {boolean} [look] */
async function add(keys, look = false) {
  const sent = await json("add", { ...shown(), keys });
  take(sent, (state) => { for (const node of sent.nodes) state.roots.add(node.id); });
  const first = [...view.nodes.values()].find((node) => node.key === keys[0]);
  if (look && first) {
    unhide(first.id);
    await panel(first.id);
    network.focus(first.id, { scale: Math.max(network.getScale(), 0.7) });
  }
}

/** @param {number} id */
function unhide(id) {
  if (view.now.hidden.has(id)) { view.change((state) => state.hidden.delete(id)); draw(); }
}

/** @param {number} id */
function hide(id) {
  view.change((state) => state.hidden.add(id));
  draw();
  restorable();
}

/** Offer to show again what is hidden. */
function restorable() {
  const count = view.now.hidden.size;
  hint(count ? `${say("已隐藏")} ${count} ${say("个节点")}` : "");
  if (count) byId("hint").append(" ", button(say("恢复"), () => { view.change((state) => state.hidden.clear()); draw(); hint(""); }));
}

/** @param {number} id */
function pin(id) {
  view.change((state) => { if (!state.pinned.delete(id)) state.pinned.add(id); });
  draw();
  return panel(id);
}

/** @param {number} id */
function drop(id) {
  const key = view.nodes.get(id)?.key;
  if (key) dropped.add(key);
  view.change((state) => { state.placed.delete(id); state.roots.delete(id); state.pinned.delete(id); });
  draw();
}

async function arrange() {
  const root = chosen;
  const sent = await json("layout", { ...shown(), layout: byId("layout").value, root });
  view.change((state) => {
    for (const [id, x, y] of sent.shown) if (!state.pinned.has(id)) state.placed.set(id, [x, y]);
    state.bands = sent.bands;
  });
  draw();
  fit();
}

async function search() {
  const hits = byId("hits"), text = byId("q").value.trim();
  if (!text) { hits.replaceChildren(); return; }
  const sent = await json(`find?limit=12&q=${encodeURIComponent(text)}`);
  if (byId("q").value.trim() !== text) return;
  hits.replaceChildren(...sent.nodes.map((/** @type {any} */ found) => {
    const item = make("li");
    item.append(button(found.name, () => add([found.key], true)), make("small", ` ${data.titles[found.kind]} ${found.place} · ${found.degree}`, { class: "soft" }));
    return item;
  }));
  if (!sent.nodes.length) hits.append(make("li", say("没有找到"), { class: "hint" }));
  byId("names").replaceChildren(...sent.nodes.map((/** @type {any} */ found) => make("option", found.name, { value: found.key })));
}

/** A key that a text means. @param {string} text */
async function meant(text) {
  if (/^[A-Z][a-z]+:/.test(text)) return text;
  const sent = await json(`find?limit=1&q=${encodeURIComponent(text)}`);
  if (!sent.nodes.length) throw new Error(`${say("没有找到")}：${text}`);
  return sent.nodes[0].key;
}

async function findPath() {
  const [source, target] = await Promise.all([meant(byId("source").value), meant(byId("target").value)]);
  const sent = await json("path", { ...shown(), source, target, way: byId("way").value });
  paths = sent.paths.map((/** @type {any} */ path) => ({ of: path.nodes, text: path.text }));
  take(sent, (state) => { for (const path of paths) for (const id of path.of) { state.roots.add(id); state.hidden.delete(id); } });
  byId("paths").replaceChildren(...paths.map((path) => make("li", path.text)));
  if (!paths.length) byId("paths").append(make("li", say("没有路径")));
  else network.fit({ nodes: paths.flatMap((path) => path.of), maxZoomLevel: 1.1 });
}

/** The state as it is saved: keys, not numbers. */
function state() {
  const f = filter();
  return {
    nodes: [...view.now.placed].map(([id, [x, y]]) => [view.nodes.get(id)?.key, x, y, (view.now.pinned.has(id) ? 1 : 0) + (view.now.hidden.has(id) ? 2 : 0) + (view.now.roots.has(id) ? 4 : 0)]),
    opened: [...view.now.opened].map(([key, ids]) => {
      const [node, group] = key.split("|").map(Number);
      return [`${data.groups[group].code}@${view.nodes.get(node)?.key}`, ids.map((id) => view.nodes.get(id)?.key).filter(Boolean)];
    }),
    layout: byId("layout").value, caption: byId("caption").value,
    filters: { kinds: [...f.kinds], lines: [...f.lines], place: f.place, since: f.since, sure: f.sure },
  };
}

/** The address of the view: what it begins with, what is expanded, what is taken away. */
function address() {
  const query = new URLSearchParams();
  for (const key of looks) query.append("look", String(key));
  for (const id of view.now.roots) {
    const key = view.nodes.get(id)?.key;
    if (key && view.now.placed.has(id) && !looks.has(key)) query.append("start", key);
  }
  for (const [key, times] of view.now.clicks) {
    const [node, group] = key.split("|").map(Number);
    for (let n = 0; n < times; n += 1) query.append("open", `${data.groups[group].code}@${view.nodes.get(node)?.key}`);
  }
  for (const key of new Set([...dropped, ...[...view.now.hidden].map((id) => view.nodes.get(id)?.key)])) if (key) query.append("drop", String(key));
  query.set("layout", byId("layout").value);
  for (const [name, value] of settings()) query.set(name, value);
  return `${location.origin}/graph?${query}`;
}

/** What differs from the defaults among caption and filters. @returns {[string, string][]} */
function settings() {
  const f = filter();
  /** @param {string} id @param {Set<string>} on */
  const off = (id, on) => [...byId(id).querySelectorAll("input")].map((box) => box.value).filter((code) => !on.has(code)).join(",");
  return /** @type {[string, string][]} */ ([["without", [off("kinds", f.kinds), off("lines", f.lines)].filter(Boolean).join(",")], ["place", f.place], ["since", f.since],
    ["sure", f.sure ? String(f.sure) : ""], ["caption", byId("caption").value === "name" ? "" : byId("caption").value]]).filter(([, value]) => value);
}

/** Set caption and filters. @param {Record<string, any>} wanted */
function set(wanted) {
  for (const id of ["place", "since", "sure", "caption", "layout"]) if (wanted[id]) byId(id).value = String(wanted[id]);
  const off = new Set((wanted.without ?? "").split(","));
  for (const id of ["kinds", "lines"]) {
    for (const box of byId(id).querySelectorAll("input")) box.checked = wanted[id] ? wanted[id].includes(box.value) : !off.has(box.value);
  }
}

async function share() {
  const link = data.view && !view.past.length ? `${location.origin}/graph?view=${data.view}` : address();
  history.replaceState(null, "", link);
  await navigator.clipboard?.writeText(link).catch(() => {});
  hint(say("链接已复制"));
}

async function save() {
  const sent = await json("views", { name: byId("viewname").value, state: state() });
  history.replaceState(null, "", `/graph?view=${sent.id}`);
  for (const old of byId("views").querySelectorAll("li")) if (old.querySelector("a")?.getAttribute("href") === `/graph?view=${sent.id}`) old.remove();
  const item = make("li");
  item.append(make("a", sent.name, { href: `/graph?view=${sent.id}` }), make("small", ` ${sent.owner} · ${sent.updated_at.slice(0, 10)}`, { class: "soft" }));
  byId("views").prepend(item);
  hint(say("已保存"));
}

/** @param {string} form */
async function exportAs(form) {
  const { nodes, edges } = view.shown(filter());
  const there = new Set(nodes.map((node) => node.id)), lines = new Set(edges.map((edge) => edge.id));
  const hidden = [...view.edges.values()].filter((edge) => there.has(edge.from) && there.has(edge.to) && !lines.has(edge.id)).map((edge) => edge.id);
  const body = { version: data.version, shown: view.placed().filter(([id]) => there.has(id)), form, caption: byId("caption").value, hidden, layout: view.now.bands.length ? "staged" : "force" };
  const content = await (await ask("export", body)).blob();
  const link = /** @type {HTMLAnchorElement} */ (make("a", "", { href: URL.createObjectURL(content), download: `graph.${form}` }));
  link.click();
  URL.revokeObjectURL(link.href);
}

// --- Beginning -------------------------------------------------------------------------------

/** Take a saved view as it was. @param {any} sent */
function reopen(sent) {
  const byKey = new Map(sent.nodes.map((/** @type {Node} */ node) => [node.key, node.id]));
  set({ ...sent.state.filters, caption: sent.state.caption, layout: sent.state.layout });
  for (const [key, , , flags] of sent.state.nodes) {
    const id = byKey.get(key);
    if (id === undefined) continue;
    if (flags & 1) view.now.pinned.add(id);
    if (flags & 2) view.now.hidden.add(id);
    if (flags & 4) view.now.roots.add(id);
  }
  for (const [where, keys] of sent.state.opened) {
    const [code, ...rest] = where.split("@"), node = view.nodes.get(byKey.get(rest.join("@")));
    const group = data.groups.findIndex((/** @type {any} */ g) => g.code === code && g.at === node?.kind);
    if (node && group >= 0) view.now.opened.set(`${node.id}|${group}`, keys.map((/** @type {string} */ key) => byKey.get(key)).filter((/** @type {number} */ id) => id !== undefined));
  }
}

async function begin() {
  set(Object.fromEntries(new URLSearchParams(location.search)));
  const sent = await json(scene.pathname.split("/graph/")[1] + scene.search);
  view.learn(sent);
  for (const node of sent.nodes) view.now.placed.set(node.id, [node.x, node.y]);
  view.now.bands = sent.bands;
  if (data.view) reopen(sent);
  else first(sent);
  draw();
  fit();
  const root = [...view.now.roots][0];
  if (root !== undefined) await panel(root);
}

/** What the address began with and expanded, so that it can be collapsed. @param {any} sent */
function first(sent) {
  const byKey = new Map(sent.nodes.map((/** @type {Node} */ node) => [node.key, node]));
  for (const key of [...looks, ...asked.getAll("start")]) if (byKey.has(key)) view.now.roots.add(byKey.get(key).id);
  for (const key of looks) {
    const node = byKey.get(key);
    for (const [group] of node?.groups ?? []) view.now.opened.set(`${node.id}|${group}`, view.here(node.id, group));
  }
  for (const item of asked.getAll("open")) {
    const [code, ...rest] = item.split("@"), node = byKey.get(rest.join("@"));
    const group = data.groups.findIndex((/** @type {any} */ g) => g.code === code && g.at === node?.kind), where = `${node?.id}|${group}`;
    if (!node || group < 0) continue;
    view.now.opened.set(where, view.here(node.id, group));
    view.now.clicks.set(where, (view.now.clicks.get(where) ?? 0) + 1);
  }
}

byId("undo").addEventListener("click", () => { view.undo(); draw(); });
byId("redo").addEventListener("click", () => { view.redo(); draw(); });
byId("fit").addEventListener("click", fit);
byId("share").addEventListener("click", () => void tried(share));
byId("layout").addEventListener("change", () => void tried(arrange));
byId("caption").addEventListener("change", draw);
byId("filterbox").addEventListener("change", draw);
byId("twin").addEventListener("toggle", draw);
byId("export")?.addEventListener("change", (/** @type {any} */ event) => {
  const form = event.target.value;
  event.target.value = "";
  if (form) void tried(() => exportAs(form));
});
/** @param {string} id @param {() => Promise<void>} work */
const on = (id, work) => byId(id)?.addEventListener("submit", (/** @type {Event} */ event) => { event.preventDefault(); void tried(work); });
on("find", search);
on("path", findPath);
on("save", save);
/** @type {number} */ let waiting = 0;
for (const id of ["q", "source", "target"]) {
  byId(id).addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = window.setTimeout(() => void tried(id === "q" ? search : () => suggest(byId(id).value)), 180);
  });
}
/** @param {string} text */
async function suggest(text) {
  if (!text.trim()) return;
  const sent = await json(`find?limit=12&q=${encodeURIComponent(text)}`);
  byId("names").replaceChildren(...sent.nodes.map((/** @type {any} */ found) => make("option", found.name, { value: found.key })));
}
document.addEventListener("keydown", (event) => {
  const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
  if (typing || !(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z") return;
  event.preventDefault();
  if (event.shiftKey) view.redo(); else view.undo();
  draw();
});
void tried(begin).then(() => { document.documentElement.dataset.ready = "true"; });
