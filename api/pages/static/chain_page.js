// The chain: a click opens a product's panel beside it, lines join it to its inputs and users.
// Without scripts the same links load the page with the panel in it.
import { data, fill } from './desk.js';

/** @type {{edges: [string, string, number][], panel: string}} */
const given = data();
const board = /** @type {HTMLElement | null} */ (document.getElementById('board'));
const panel = /** @type {HTMLElement | null} */ (document.getElementById('panel'));
if (given && board && panel) start(board, panel);

/**
 * @param {HTMLElement} board
 * @param {HTMLElement} panel
 */
function start(board, panel) {
  /** @type {Map<string, HTMLAnchorElement>} */
  const chips = new Map();
  for (const chip of /** @type {NodeListOf<HTMLAnchorElement>} */ (board.querySelectorAll('a.chip'))) {
    chips.set(chip.dataset.id ?? '', chip);
  }
  const wires = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  wires.setAttribute('class', 'wires');
  wires.setAttribute('aria-hidden', 'true');
  board.append(wires);
  const all = /** @type {HTMLInputElement | null} */ (document.getElementById('wires-all'));
  document.getElementById('wires-choice')?.removeAttribute('hidden');
  let over = '';

  const draw = () => {
    const at = over || board.querySelector('a.picked')?.getAttribute('data-id') || '';
    const frame = board.getBoundingClientRect();
    /** @param {HTMLElement} chip */
    const middle = (chip) => {
      const box = (chip.querySelector('.dot') ?? chip).getBoundingClientRect();
      return [box.x + box.width / 2 - frame.x, box.y + box.height / 2 - frame.y];
    };
    for (const chip of chips.values()) chip.classList.remove('near');
    const lines = [];
    for (const [input, product, critical] of given.edges) {
      const mine = input === at || product === at;
      if (!mine && !all?.checked) continue;
      const from = chips.get(input), to = chips.get(product);
      if (!from || !to) continue;
      const [x1, y1] = middle(from), [x2, y2] = middle(to);
      const bend = Math.max(Math.abs(x2 - x1) / 2, 30);
      const line = document.createElementNS('http://www.w3.org/2000/svg', 'path');
      line.setAttribute('d', `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`);
      const side = product === at ? 'into' : input === at ? 'out' : '';
      line.setAttribute('class', `${side} ${critical ? 'critical' : ''}`);
      lines.push(line);
      if (mine) (input === at ? to : from).classList.add('near');
    }
    wires.replaceChildren(...lines);
  };

  /**
   * Show a product's panel.
   * @param {HTMLAnchorElement} chip
   * @param {boolean} keep whether the address of the view changes too
   */
  const pick = async (chip, keep) => {
    for (const other of board.querySelectorAll('a.picked')) {
      other.classList.remove('picked');
      other.removeAttribute('aria-current');
    }
    chip.classList.add('picked');
    chip.setAttribute('aria-current', 'true');
    draw();
    if (keep) history.pushState(null, '', chip.href);
    const address = `${given.panel}&product=${encodeURIComponent(chip.dataset.id ?? '')}&part=1`;
    if (!(await fill(panel, address)) && keep) location.assign(chip.href);
    panel.scrollTop = 0;
  };

  board.addEventListener('click', (event) => {
    const chip = /** @type {HTMLElement} */ (event.target).closest('a.chip');
    const plain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
    if (chip instanceof HTMLAnchorElement && plain) {
      event.preventDefault();
      void pick(chip, true);
    }
  });
  addEventListener('popstate', () => {
    const wanted = new URLSearchParams(location.search).get('product') ?? '';
    const shown = board.querySelector('a.picked')?.getAttribute('data-id') ?? '';
    if (wanted === shown) return; // a jump within the page
    const chip = chips.get(wanted);
    if (chip) void pick(chip, false);
    else location.reload();
  });
  for (const [kind, on] of /** @type {[string, boolean][]} */ ([['pointerover', true], ['pointerout', false], ['focusin', true], ['focusout', false]])) {
    board.addEventListener(kind, (event) => {
      const chip = /** @type {HTMLElement} */ (event.target).closest('a.chip');
      over = on && chip ? chip.getAttribute('data-id') ?? '' : '';
      draw();
    });
  }
  all?.addEventListener('change', draw);
  addEventListener('resize', draw);
  draw();
}
