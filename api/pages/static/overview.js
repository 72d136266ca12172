// The whole graph as points. The server places them; names come when they are asked for.
import { data as left } from "./desk.js";
import { Cloud } from "./cloud.js";

const data = left();
/** @param {string} id @returns {any} */
const byId = (id) => document.getElementById(id);
const say = (/** @type {string} */ word) => data.words[word] ?? word;
const holder = byId("cloud");
const EXTENT = 30000;
/** @type {Cloud} */ let cloud;

/** @param {string} path */
async function ask(path) {
  const answer = await fetch(`/api/v1/graph/${path}`);
  if (!answer.ok) throw new Error(answer.statusText);
  return answer;
}

/** @param {string} path @returns {Promise<any>} */
const json = async (path) => (await ask(path)).json();

/** @param {() => Promise<void>} work */
const tried = (work) => work().catch((error) => { byId("hint").textContent = `${say("请求失败")}：${error.message}`; });

async function begin() {
  const buffer = await (await ask(`overview/points?version=${data.version}`)).arrayBuffer(), n = data.nodes;
  cloud = new Cloud(holder, {
    xs: new Int16Array(buffer, 0, n), ys: new Int16Array(buffer, 2 * n, n), kinds: new Uint8Array(buffer, 4 * n, n),
    colours: data.legend.map((/** @type {any} */ entry) => entry.colour),
    // Half the room a node has in its disc.
    spacing: Math.max(...data.areas.map((/** @type {number[]} */ area) => 0.9 * area[3] / Math.sqrt(area[4])), 1),
    labels: data.areas.map((/** @type {[string, number, number, number, number]} */ [text, x, y, r]) => ({ text, x, y, r })),
  });
  whole();
  cloud.paint();
}

const whole = () => cloud.look(data.middle[0], data.middle[1], data.middle[2]);

/** @param {any} found */
const words = (found) => [data.legend.find((/** @type {any} */ entry) => entry.code === found.kind)?.name, found.name, found.place, `${found.degree} ${say("条关系")}`].filter(Boolean).join(" · ");

/** Show a node with its lines, and go there. @param {number} node @param {boolean} [go] */
async function pick(node, go = false) {
  const found = await json(`overview/node?node=${node}&version=${data.version}`);
  cloud.chosen = node;
  cloud.near = found.near;
  if (go) cloud.look(cloud.points.xs[node], cloud.points.ys[node], EXTENT * Math.min(0.5, Math.sqrt(300 / data.nodes)));
  cloud.draw();
  const link = document.createElement("a"), title = document.createElement("h2"), more = document.createElement("p");
  link.className = "button main";
  link.href = `/graph?look=${encodeURIComponent(found.key)}`;
  link.textContent = say("展开邻域");
  title.textContent = found.name;
  more.textContent = words(found);
  byId("picked").replaceChildren(title, more, link);
  byId("hint").textContent = words(found);
}

let hovering = 0;
holder.addEventListener("hovered", (/** @type {any} */ event) => {
  clearTimeout(hovering);
  holder.style.cursor = event.detail === null ? "grab" : "pointer";
  if (event.detail !== null) hovering = window.setTimeout(() => void tried(async () => { byId("hint").textContent = words(await json(`overview/node?node=${event.detail}&version=${data.version}`)); }), 60);
});
holder.addEventListener("picked", (/** @type {any} */ event) => {
  if (event.detail !== null) void tried(() => pick(event.detail));
});
byId("find").addEventListener("submit", (/** @type {Event} */ event) => {
  event.preventDefault();
  void tried(async () => {
    const sent = await json(`find?limit=1&q=${encodeURIComponent(byId("q").value)}`);
    if (sent.nodes.length) await pick(sent.nodes[0].node, true);
    else byId("hint").textContent = say("没有找到");
  });
});
byId("q").addEventListener("input", () => void tried(async () => {
  if (!byId("q").value.trim()) return;
  const sent = await json(`find?limit=12&q=${encodeURIComponent(byId("q").value)}`);
  byId("names").replaceChildren(...sent.nodes.map((/** @type {any} */ found) => Object.assign(document.createElement("option"), { value: found.name })));
}));
byId("fit").addEventListener("click", whole);
byId("lines").addEventListener("change", (/** @type {any} */ event) => void tried(async () => {
  cloud.join(event.target.checked ? new Uint32Array(await (await ask(`overview/lines?version=${data.version}`)).arrayBuffer()) : null);
}));
for (const box of byId("kinds").querySelectorAll("input")) {
  box.addEventListener("change", () => { cloud.on[Number(box.value)] = box.checked; cloud.draw(); });
}
for (const button of document.querySelectorAll("[data-area]")) {
  button.addEventListener("click", () => {
    const [, x, y, r] = data.areas[Number(/** @type {HTMLElement} */ (button).dataset.area)];
    cloud.look(x, y, r * 1.12);
  });
}
void tried(begin).then(() => { document.documentElement.dataset.ready = "true"; });
