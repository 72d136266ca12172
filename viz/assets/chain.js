// The chain view: positions come from the page's data, physics is off, text is never parsed as HTML.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const holder = document.getElementById("network");
  const [width, height] = data.extent;
  const line = data.leading * data.size;
  const lit = new Map();
  const write = (ctx, text, x, y, colour) => {
    // A white rim keeps text readable where lines pass behind it.
    ctx.strokeStyle = "#ffffff";
    ctx.lineWidth = data.size / 4;
    ctx.lineJoin = "round";
    ctx.strokeText(text, x, y);
    ctx.fillStyle = colour;
    ctx.fillText(text, x, y);
  };
  const circle = (ctx, x, y, r) => { ctx.beginPath(); ctx.arc(x, y, r, 0, 2 * Math.PI); };
  // Colour and sign = action, dashed edge = suspected, outer ring = not robust.
  const draw = (node) => ({ ctx, x, y, state }) => ({
    drawNode() {
      ctx.save();
      ctx.globalAlpha = lit.get(node.id) === false ? 0.12 : 1;
      if (node.shaky) {
        circle(ctx, x, y, node.size + 3);
        ctx.fillStyle = "#ffffff";
        ctx.fill();
        ctx.strokeStyle = "#000000";
        ctx.lineWidth = 2.2;
        ctx.stroke();
      }
      circle(ctx, x, y, node.size);
      ctx.fillStyle = node.color;
      ctx.fill();
      ctx.setLineDash(node.suspected ? [3.6, 2.8] : []);
      ctx.strokeStyle = "#222222";
      ctx.lineWidth = state.selected || state.hover ? 3 : 1.2;
      ctx.stroke();
      ctx.setLineDash([]);
      ctx.textBaseline = "middle";
      ctx.textAlign = "center";
      ctx.font = `bold ${1.35 * node.size}px ${data.font}`;
      ctx.fillStyle = node.ink;
      ctx.fillText(node.sign, x, y + 0.05 * node.size);
      ctx.textAlign = "left";
      ctx.font = `${data.size}px ${data.font}`;
      const lines = node.label.split("\n");
      lines.forEach((text, i) => write(ctx, text, x + node.left, y + (i - (lines.length - 1) / 2) * line, "#222222"));
      ctx.restore();
    },
    nodeDimensions: { width: 2 * node.size, height: 2 * node.size },
  });
  const nodes = new vis.DataSet(data.nodes.map((node) => (
    { ...node, label: undefined, shape: "custom", ctxRenderer: draw(node) })));
  const edges = new vis.DataSet(data.edges.map((edge) => (
    { ...edge, color: { color: edge.color, highlight: "#111111", hover: "#111111" } })));
  const network = new vis.Network(holder, { nodes, edges }, {
    physics: false,
    layout: { improvedLayout: false },
    interaction: { hover: true, hoverConnectedEdges: false, dragNodes: false, hideEdgesOnZoom: true },
    edges: { arrows: { to: { enabled: true, scaleFactor: 0.35 } }, smooth: { enabled: true, type: "cubicBezier", forceDirection: "horizontal", roundness: 0.45 }, width: 0.7 },
  });
  network.on("beforeDrawing", (ctx) => {
    for (const band of data.bands) {
      ctx.fillStyle = "#f7f9fb";
      ctx.fillRect(band.x, 0, band.w, band.h);
      ctx.fillStyle = "#dce6f0";
      ctx.fillRect(band.x, 0, band.w, 0.8 * band.head);
      ctx.fillStyle = "#1f4e79";
      ctx.textBaseline = "middle";
      ctx.textAlign = "center";
      ctx.font = `bold ${0.6 * band.head}px ${data.font}`;
      ctx.fillText(band.name, band.x + band.w / 2, 0.42 * band.head);
    }
  });
  network.on("afterDrawing", (ctx) => {
    ctx.textBaseline = "alphabetic";
    ctx.textAlign = "left";
    ctx.font = `bold ${data.size}px ${data.font}`;
    for (const heading of data.headings) {
      heading.lines.forEach((text, i) => write(ctx, text, heading.x, heading.y + i * line, "#1f4e79"));
    }
  });
  const whole = () => network.moveTo({
    position: { x: width / 2, y: height / 2 },
    scale: Math.min(holder.clientWidth / (width + 16), holder.clientHeight / (height + 16)),
  });
  whole();
  network.on("resize", whole);
  document.getElementById("whole").addEventListener("click", whole);

  const panel = document.getElementById("panel");
  const add = (parent, tag, text) => {
    const element = document.createElement(tag);
    element.textContent = text;
    parent.append(element);
    return element;
  };
  const show = (id) => {
    const detail = data.details[id];
    panel.replaceChildren();
    add(panel, "h3", detail.name);
    add(panel, "p", detail.sentence);
    const list = add(panel, "dl", "");
    for (const [term, text] of detail.facts) { add(list, "dt", term); add(list, "dd", text); }
    panel.scrollTop = 0;
  };

  const search = document.getElementById("search");
  const filters = [...document.querySelectorAll("#filters input")];
  let chosen = null;
  const refresh = () => {
    const shown = new Set(filters.filter((box) => box.checked).map((box) => box.value));
    const wanted = search.value.trim().toLowerCase();
    const near = chosen === null ? null : new Set([chosen, ...network.getConnectedNodes(chosen)]);
    for (const node of data.nodes) {
      lit.set(node.id, (!wanted || node.search.includes(wanted)) && (!near || near.has(node.id)));
    }
    nodes.update(data.nodes.map((node) => (
      { id: node.id, hidden: !shown.has(node.primary), opacity: lit.get(node.id) ? 1 : 0.15 })));
    return wanted ? data.nodes.filter((node) => shown.has(node.primary) && node.search.includes(wanted)) : [];
  };
  // A label belongs to its circle: a click on it counts as well.
  const under = (at) => {
    const scale = network.getScale();
    const hit = data.nodes.find((node) => {
      const high = line * node.label.split("\n").length / 2;
      const wide = Math.max(...node.label.split("\n").map((text) => [...text].length)) * data.size;
      return at.x >= node.x && at.x <= node.x + node.left + wide && Math.abs(at.y - node.y) <= Math.max(high, 4 / scale);
    });
    return hit && !nodes.get(hit.id).hidden ? hit.id : undefined;
  };
  // A click shows the product's panel and its direct inputs and users; elsewhere it clears that.
  network.on("click", (event) => {
    const id = event.nodes[0] ?? under(event.pointer.canvas);
    chosen = id !== undefined && data.details[id] ? id : null;
    if (chosen === null) { network.unselectAll(); } else { network.selectNodes([chosen]); show(chosen); }
    refresh();
  });
  search.addEventListener("input", () => {
    chosen = null;
    network.unselectAll();
    const hits = refresh();
    if (hits.length) { network.focus(hits[0].id, { scale: 1.1 }); } else { whole(); }
  });
  filters.forEach((box) => box.addEventListener("change", refresh));

  tips(holder, (event) => {
    const at = network.getNodeAt({ x: event.offsetX, y: event.offsetY });
    return at === undefined ? "" : data.details[at].hover;
  });
})();
