// The map: a click on a region shows what lies below it, boxes show and hide layers.
"use strict";
(() => {
  const { views, first } = JSON.parse(document.getElementById("data").textContent);
  const figure = document.getElementById("figure");
  const where = document.getElementById("where");
  const back = document.getElementById("back");
  const show = (code) => {
    for (const other of Object.keys(views)) {
      document.getElementById(`map-${other}`).toggleAttribute("hidden", other !== code);
    }
    where.textContent = code === first ? views[first] : `${views[first]} › ${views[code]}`;
    back.disabled = code === first;
  };
  show(first);
  figure.addEventListener("click", (event) => {
    const code = event.target.dataset.key;
    if (code && code !== first && Object.hasOwn(views, code)) { show(code); }
  });
  back.addEventListener("click", () => show(first));
  for (const box of document.querySelectorAll("#layers input")) {
    const apply = () => figure.classList.toggle(`hide-${box.value}`, !box.checked);
    box.addEventListener("change", apply);
    apply();
  }
  tips(figure, (event) => event.target.dataset.tip || "");
})();
