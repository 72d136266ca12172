// The map: layers are shown and hidden at once, and a box beside the pointer says what is there.
// Without scripts the form reloads the page with the layers chosen.

const map = /** @type {HTMLElement | null} */ (document.getElementById('map'));
if (map) start(map);

/** @param {HTMLElement} map */
function start(map) {
  for (const box of /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll('#layers input[type=checkbox]'))) {
    box.addEventListener('change', () => map.classList.toggle(`hide-${box.value}`, !box.checked));
  }
  const tip = document.createElement('div');
  tip.className = 'tip';
  tip.hidden = true;
  document.body.append(tip);
  map.addEventListener('pointermove', (event) => {
    const text = /** @type {HTMLElement} */ (event.target).closest('[data-tip]')?.getAttribute('data-tip') ?? '';
    tip.hidden = !text;
    tip.textContent = text;
    const x = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8);
    const y = Math.min(event.clientY + 14, innerHeight - tip.offsetHeight - 8);
    tip.style.left = `${Math.max(x, 0)}px`;
    tip.style.top = `${Math.max(y, 0)}px`;
  });
  map.addEventListener('pointerleave', () => { tip.hidden = true; });
}
