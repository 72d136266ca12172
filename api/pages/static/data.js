// The pages of data: progress of uploads and of jobs. Without scripts the forms send themselves, and
// pages with a job under way renew themselves.

/** Milliseconds between two looks at a job. */
const LOOK_MS = 1000;

/**
 * What a refused upload is told.
 * @param {XMLHttpRequest} answer
 * @param {string} otherwise
 * @returns {string}
 */
function reason(answer, otherwise) {
  try {
    return JSON.parse(answer.responseText).detail || otherwise;
  } catch {
    return otherwise;
  }
}

/**
 * Send a form's files and show how far they are.
 * @param {HTMLFormElement} form
 */
function send(form) {
  const box = /** @type {HTMLElement} */ (form.querySelector('[data-progress]'));
  const told = /** @type {HTMLElement} */ (box.querySelector('[data-told]'));
  const bar = /** @type {HTMLProgressElement} */ (box.querySelector('progress'));
  const button = /** @type {HTMLButtonElement} */ (form.querySelector('button'));
  const { sending = '', failed = '' } = told.dataset;
  const body = new FormData(form);
  const csrf = String(body.get('csrf') || '');
  body.delete('csrf');
  const request = new XMLHttpRequest();
  /** @param {string} text */
  const fail = (text) => {
    told.textContent = text;
    told.className = 'bad';
    bar.hidden = true;
    button.disabled = false;
  };
  request.upload.addEventListener('progress', (event) => {
    if (!event.lengthComputable) return;
    bar.max = event.total;
    bar.value = event.loaded;
    told.textContent = `${sending} ${Math.round((100 * event.loaded) / event.total)}%`;
  });
  request.addEventListener('load', () => {
    if (request.status !== 202) return fail(reason(request, failed));
    location.assign(form.dataset.to + JSON.parse(request.responseText).id);
    return undefined;
  });
  request.addEventListener('error', () => fail(failed));
  box.hidden = bar.hidden = false;
  told.className = '';
  told.textContent = sending;
  button.disabled = true;
  request.open('POST', form.dataset.upload || form.action);
  request.setRequestHeader('X-CSRF-Token', csrf);
  request.send(body);
}

for (const form of document.querySelectorAll('form[data-upload]')) {
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    send(/** @type {HTMLFormElement} */ (form));
  });
}

/**
 * Look at this page until its job has ended, then show it anew; the server words how far it is.
 * @param {Element} box
 */
async function watch(box) {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    const answer = await fetch(location.href, { headers: { accept: 'text/html' } }).catch(() => null);
    if (!answer) continue; // the server is away for a moment
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const now = answer.ok && page.querySelector('[data-job]');
    if (!now) return location.reload();
    for (const part of ['[data-state]', '[data-label]', '[data-steps]']) {
      const [old, fresh] = [box, now].map((of) => /** @type {Element} */ (of.querySelector(part)));
      if (old.textContent !== fresh.textContent) old.textContent = fresh.textContent;
    }
    for (const name of ['max', 'value']) {
      const given = now.querySelector('progress')?.getAttribute(name);
      if (given) box.querySelector('progress')?.setAttribute(name, given);
    }
  }
}

const box = document.querySelector('[data-job]');
if (box) watch(box);
document.getElementById('trouble')?.focus();
