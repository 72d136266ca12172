// Names are looked up while they are typed; without scripts the button does it.
import { data, fill } from './desk.js';

const given = data();
const field = /** @type {HTMLInputElement | null} */ (document.getElementById('find'));
const hits = document.getElementById('hits');
if (given && field && hits) {
  let timer = 0;
  let asked = field.value.trim();
  field.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const text = field.value.trim();
      if (text === asked) return;
      asked = text;
      const moves = new URLSearchParams(location.search).getAll('move');
      const rest = moves.map((move) => `&move=${encodeURIComponent(move)}`).join('');
      if (text) void fill(hits, `${given.find}&q=${encodeURIComponent(text)}${rest}`);
      else hits.replaceChildren();
    }, 250);
  });
}
