// The whole graph as points: plotly's WebGL draws what the server placed. Names come when asked for.
import { data as left } from "./desk.js";

const data = left();
/** @param {string} id @returns {any} */
const byId = (id) => document.getElementById(id);
const say = (/** @type {string} */ word) => data.words[word] ?? word;
const cloud = byId("cloud");
/** @type {any} */ const Plotly = /** @type {any} */ (window).Plotly;
/** @type {Int16Array} */ let xs, /** @type {Int16Array} */ ys;
/** Numbers of the nodes of each trace. @type {Int32Array[]} */ let numbers = [];
const EXTENT = 30000;

/** @param {string} path @returns {Promise<any>} */
async function json(path) {
  const answer = await fetch(`/api/v1/graph/${path}`);
  if (!answer.ok) throw new Error(answer.statusText);
  return answer.json();
}

/** @param {() => Promise<void>} work */
const tried = (work) => work().catch((error) => { byId("hint").textContent = `${say("请求失败")}：${error.message}`; });

/** Ranges of both axes that show a square in the room there is. @param {number} x @param {number} y @param {number} half */
function window_(x, y, half) {
  const wide = half * Math.max(1, cloud.clientWidth / cloud.clientHeight), high = wide * cloud.clientHeight / cloud.clientWidth;
  return { "xaxis.range": [x - wide, x + wide], "yaxis.range": [y - high, y + high] };
}

async function begin() {
  const answer = await fetch(`/api/v1/graph/overview/points?version=${data.version}`, { mode: "cors", credentials: "same-origin" });
  const buffer = await answer.arrayBuffer(), n = data.nodes;
  xs = new Int16Array(buffer, 0, n);
  ys = new Int16Array(buffer, 2 * n, n);
  const kinds = new Uint8Array(buffer, 4 * n, n);
  numbers = data.legend.map((/** @type {any} */ _, /** @type {number} */ kind) => Int32Array.from(Array.from({ length: n }, (__, i) => i).filter((i) => kinds[i] === kind)));
  const order = data.legend.map((/** @type {any} */ _, /** @type {number} */ kind) => kind).sort((/** @type {number} */ a, /** @type {number} */ b) => numbers[b].length - numbers[a].length);
  const traces = order.map((/** @type {number} */ kind) => ({
    type: "scattergl", mode: "markers", name: data.legend[kind].name, meta: kind, hoverinfo: "none",
    x: Float32Array.from(numbers[kind], (i) => xs[i]), y: Float32Array.from(numbers[kind], (i) => ys[i]),
    marker: { color: data.legend[kind].colour, size: numbers[kind].length > 20000 ? 2.5 : kind === 3 ? 4 : 5, opacity: 0.8 },
  }));
  traces.push({ type: "scattergl", mode: "lines", x: [], y: [], hoverinfo: "skip", showlegend: false, line: { color: "#111111", width: 1 } });
  traces.push({ type: "scattergl", mode: "markers", x: [], y: [], hoverinfo: "skip", showlegend: false, marker: { size: 14, color: "rgba(0,0,0,0)", line: { color: "#111111", width: 2.5 } } });
  numbers = order.map((/** @type {number} */ kind) => numbers[kind]);
  const largest = Math.max(...data.areas.map((/** @type {any} */ area) => area[3]));
  const bare = { showgrid: false, zeroline: false, showticklabels: false, ticks: "" };
  const range = window_(0, 0, EXTENT * 0.72);
  await Plotly.newPlot(cloud, traces, {
    margin: { l: 0, r: 0, t: 0, b: 0 }, dragmode: "pan", hovermode: "closest", hoverdistance: 8, paper_bgcolor: "#ffffff", plot_bgcolor: "#ffffff",
    xaxis: { ...bare, range: range["xaxis.range"] }, yaxis: { ...bare, range: range["yaxis.range"], scaleanchor: "x" },
    legend: { x: 0, y: 1, bgcolor: "rgba(255,255,255,.85)", font: { size: 12 }, itemsizing: "constant" },
    annotations: data.areas.filter((/** @type {any} */ area) => area[3] > largest / 12).map(([name, x, y, r]) => ({
      x, y: y + r, text: safe(name), showarrow: false, yanchor: "bottom", font: { size: 12, color: "#14365a" }, bgcolor: "rgba(255,255,255,.75)",
    })),
  }, { scrollZoom: true, displayModeBar: false, responsive: true, doubleClick: false });
  cloud.on("plotly_click", (/** @type {any} */ event) => {
    const at = event.points[0];
    if (numbers[at.curveNumber]) void tried(() => pick(numbers[at.curveNumber][at.pointNumber]));
  });
  cloud.on("plotly_hover", (/** @type {any} */ event) => {
    const at = event.points[0];
    if (numbers[at.curveNumber]) name(numbers[at.curveNumber][at.pointNumber]);
  });
}

/** Text that plotly shows as it is: it reads a few tags in names. @param {string} text */
const safe = (text) => text.replace(/</g, "＜").replace(/>/g, "＞").replace(/&/g, "＆");

let hovering = 0;
/** Say what a point is. @param {number} node */
function name(node) {
  clearTimeout(hovering);
  hovering = window.setTimeout(() => void tried(async () => { byId("hint").textContent = words(await json(`overview/node?node=${node}&version=${data.version}`)); }), 60);
}

/** @param {any} found */
const words = (found) => [kindName(found.kind), found.name, found.place, `${found.degree} ${say("条关系")}`].filter(Boolean).join(" · ");
/** @param {string} code */
const kindName = (code) => data.legend.find((/** @type {any} */ entry) => entry.code === code)?.name;

/** Show a node with its lines, and go there. @param {number} node @param {boolean} [go] */
async function pick(node, go = false) {
  const found = await json(`overview/node?node=${node}&version=${data.version}`);
  const x = [], y = [];
  for (const other of found.near) { x.push(xs[node], xs[other], null); y.push(ys[node], ys[other], null); }
  const at = numbers.length;
  await Plotly.restyle(cloud, { x: [x, [xs[node]]], y: [y, [ys[node]]] }, [at, at + 1]);
  if (go) await Plotly.relayout(cloud, window_(xs[node], ys[node], EXTENT / 14));
  const link = document.createElement("a");
  link.className = "button main";
  link.href = `/graph?look=${encodeURIComponent(found.key)}`;
  link.textContent = say("展开邻域");
  const title = document.createElement("h2"), more = document.createElement("p");
  title.textContent = found.name;
  more.textContent = words(found);
  byId("picked").replaceChildren(title, more, link);
  byId("hint").textContent = words(found);
}

byId("find").addEventListener("submit", (/** @type {Event} */ event) => {
  event.preventDefault();
  void tried(async () => {
    const sent = await json(`find?limit=1&q=${encodeURIComponent(byId("q").value)}`);
    if (sent.nodes.length) await pick(sent.nodes[0].node, true);
    else byId("hint").textContent = say("没有找到");
  });
});
byId("q").addEventListener("input", () => void tried(async () => {
  const sent = await json(`find?limit=12&q=${encodeURIComponent(byId("q").value)}`);
  byId("names").replaceChildren(...sent.nodes.map((/** @type {any} */ found) => {
    const option = document.createElement("option");
    option.value = found.name;
    return option;
  }));
}));
byId("fit").addEventListener("click", () => void tried(() => Plotly.relayout(cloud, window_(0, 0, EXTENT * 0.72))));
for (const button of document.querySelectorAll("[data-area]")) {
  button.addEventListener("click", () => {
    const [, x, y, r] = data.areas[Number(/** @type {HTMLElement} */ (button).dataset.area)];
    void tried(() => Plotly.relayout(cloud, window_(x, y, r * 1.15)));
  });
}
void tried(begin).then(() => { document.documentElement.dataset.ready = "true"; });
