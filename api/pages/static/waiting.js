// Looks how far a page is, and shows it once it is ready. Without scripts the page renews itself.
import { data as left } from './desk.js';

/** Milliseconds between two looks. */
const LOOK_MS = 500;
const data = left();
/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

for (;;) {
  await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  const answer = await fetch(`/waiting/${data.token}`).catch(() => null);
  if (!answer) continue; // the server is away for a moment
  const told = answer.ok ? await answer.json() : { ready: true };
  if (told.ready) break;
  const bar = /** @type {HTMLProgressElement} */ (byId('far'));
  if (told.what && byId('what').textContent !== told.what) byId('what').textContent = told.what;
  if (told.steps) {
    bar.max = told.steps;
    bar.value = told.done;
  } else bar.removeAttribute('value');
  byId('steps').textContent = told.steps ? ` · ${told.done} / ${told.steps}` : '';
  byId('seconds').textContent = data.seconds.replace('%(n)s', String(told.seconds));
}
location.reload();
