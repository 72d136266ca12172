// A box beside the pointer with plain text: what it says is never parsed as HTML.
"use strict";
window.tips = (area, textOf) => {
  const box = document.createElement("div");
  box.id = "tip";
  box.hidden = true;
  document.body.append(box);
  area.addEventListener("mousemove", (event) => {
    const text = textOf(event);
    box.hidden = !text;
    if (!text) { return; }
    if (box.textContent !== text) { box.textContent = text; }
    const { width, height } = box.getBoundingClientRect();
    const left = event.clientX + 14 + width > window.innerWidth ? event.clientX - width - 10 : event.clientX + 14;
    box.style.left = `${Math.max(4, left)}px`;
    box.style.top = `${Math.max(4, Math.min(event.clientY + 14, window.innerHeight - height - 4))}px`;
  });
  area.addEventListener("mouseleave", () => { box.hidden = true; });
};
