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
    edges: { arrows: { to: { enabled: true, scaleFactor: 0.4 } }, color: { color: "#d4d4d4", highlight: "#222222" },
      smooth: { enabled: true, type: "cubicBezier", forceDirection: "horizontal", roundness: 0.45 }, width: 0.6 },
  });
  const whole = () => network.fit({ animation: false });
  // The first fit knows no label sizes yet.
  network.once("afterDrawing", whole);

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

  const products = data.nodes.filter((node) => node.primary);
  const search = document.getElementById("search");
  const filters = [...document.querySelectorAll("#filters input")];
  let chosen = null;
  const refresh = () => {
    const shown = new Set(filters.filter((box) => box.checked).map((box) => box.value));
    const wanted = search.value.trim().toLowerCase();
    const near = chosen === null ? null : new Set([chosen, ...network.getConnectedNodes(chosen)]);
    const lit = (node) => (!wanted || node.search.includes(wanted)) && (!near || near.has(node.id));
    nodes.update(products.map((node) => ({
      id: node.id,
      hidden: !shown.has(node.primary),
      opacity: lit(node) ? 1 : 0.15,
      font: { color: lit(node) ? "#222222" : "#c8c8c8" },
    })));
    return wanted ? products.filter((node) => shown.has(node.primary) && node.search.includes(wanted)) : [];
  };
  // A click shows the product's panel and its direct inputs and users; elsewhere it clears that.
  network.on("click", (event) => {
    const id = event.nodes[0];
    chosen = id !== undefined && data.details[id] ? id : null;
    if (chosen !== null) { show(chosen); }
    refresh();
  });
  search.addEventListener("input", () => {
    chosen = null;
    network.unselectAll();
    const hits = refresh();
    if (hits.length) { network.focus(hits[0].id, { scale: 0.9 }); } else { whole(); }
  });
  filters.forEach((box) => box.addEventListener("change", refresh));
})();
