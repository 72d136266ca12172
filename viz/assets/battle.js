// Joins picture and table: a click on a gap finds its row; search and filters thin the table.
"use strict";
(() => {
  const { rows } = JSON.parse(document.getElementById("data").textContent);
  const figure = document.getElementById("figure");
  const lines = [...document.querySelectorAll("#battle tbody tr")];
  const at = new Map(rows.map((row, i) => [row.key, lines[i]]));
  figure.addEventListener("click", (event) => {
    const line = at.get(event.target.dataset.key);
    if (!line) { return; }
    for (const other of lines) { other.classList.toggle("found", other === line); }
    line.hidden = false;
    line.scrollIntoView({ block: "center" });
  });
  tips(figure, (event) => event.target.dataset.tip || "");

  const search = document.getElementById("search");
  const filters = [...document.querySelectorAll("#filters input")];
  const refresh = () => {
    const shown = new Set(filters.filter((box) => box.checked).map((box) => box.value));
    const wanted = search.value.trim().toLowerCase();
    lines.forEach((line, i) => {
      line.hidden = !shown.has(rows[i].primary) || !line.textContent.toLowerCase().includes(wanted);
    });
  };
  search.addEventListener("input", refresh);
  filters.forEach((box) => box.addEventListener("change", refresh));
})();
