// Draws a Plotly figure without a network: an empty world map stands in for the one on a CDN.
"use strict";
(() => {
  const empty = { type: "GeometryCollection", geometries: [] };
  const objects = { coastlines: empty, land: empty, ocean: empty, lakes: empty, rivers: empty,
    countries: empty, subunits: empty };
  const world = { type: "Topology", arcs: [], objects, bbox: [-180, -90, 180, 90],
    transform: { scale: [1, 1], translate: [0, 0] } };
  window.PlotlyGeoAssets = { topojson: { world_110m: world, world_50m: world } };
  const { figure } = JSON.parse(document.getElementById("data").textContent);
  Plotly.newPlot("figure", figure.data, figure.layout, { responsive: true, displaylogo: false, locale: "en-US" });
})();
