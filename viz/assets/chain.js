// The chain view: positions come from the page's data, physics is off, text is never parsed as HTML.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const nodes = new vis.DataSet(data.nodes);
  const edges = new vis.DataSet(data.edges);
  const network = new vis.Network(document.getElementById("network"), { nodes, edges }, {
    physics: false,
    layout: { improvedLayout: false },
    interaction: { hover: true, dragNodes: false, tooltipDelay: 150, hideEdgesOnZoom: true },
    nodes: { font: { size: 21, face: data.font, multi: false } },
    edges: { arrows: { to: { enabled: true, scaleFactor: 0.4 } }, color: { color: "#c8c8c8", highlight: "#222222" },
      smooth: { enabled: true, type: "cubicBezier", forceDirection: "horizontal", roundness: 0.45 }, width: 0.6 },
  });

  // The first fit knows no label sizes yet.
  network.once("afterDrawing", () => network.fit({ animation: false }));

  const panel = document.getElementById("panel");
  const add = (parent, tag, text) => {
    const element = document.createElement(tag);
    element.textContent = text;
    parent.append(element);
    return element;
  };
  const show = (id) => {
    const detail = data.details[id];
    if (!detail) { return; }
    panel.replaceChildren();
    add(panel, "h3", detail.name);
    add(panel, "p", detail.sentence);
    const list = document.createElement("dl");
    for (const [term, text] of detail.facts) { add(list, "dt", term); add(list, "dd", text); }
    panel.append(list);
  };
  network.on("selectNode", (event) => {
    const id = event.nodes[0];
    network.selectNodes([id, ...network.getConnectedNodes(id)]);
    show(id);
  });

  const search = document.getElementById("search");
  const filters = [...document.querySelectorAll("#filters input")];
  const refresh = () => {
    const shown = new Set(filters.filter((box) => box.checked).map((box) => box.value));
    const wanted = search.value.trim().toLowerCase();
    nodes.update(data.nodes.filter((node) => node.primary).map((node) => ({
      id: node.id,
      hidden: !shown.has(node.primary),
      opacity: !wanted || node.search.includes(wanted) ? 1 : 0.12,
    })));
    const hit = wanted && data.nodes.find((node) => node.primary && node.search.includes(wanted));
    if (hit) { network.focus(hit.id, { scale: 0.9 }); }
  };
  search.addEventListener("input", refresh);
  filters.forEach((box) => box.addEventListener("change", refresh));
})();
