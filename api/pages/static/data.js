// The pages of data: progress of uploads and of jobs. Without scripts the forms send themselves, and
// pages with a job under way renew themselves.

import { data } from './desk.js';

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
 * Look at a job until it has ended, then show the page anew.
 * @param {string} id
 * @param {HTMLElement} box
 */
async function watch(id, box) {
  const bar = /** @type {HTMLProgressElement} */ (box.querySelector('progress'));
  const label = /** @type {HTMLElement} */ (box.querySelector('[data-label]'));
  const steps = /** @type {HTMLElement} */ (box.querySelector('[data-steps]'));
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    const answer = await fetch(`/api/v1/jobs/${id}`).catch(() => null);
    if (!answer) continue; // the server is away for a moment
    if (!answer.ok) return location.reload();
    const job = await answer.json();
    if (job.ended) return location.reload();
    if (label.textContent !== job.label) label.textContent = job.label;
    if (job.total) {
      bar.max = job.total;
      bar.value = job.done;
      steps.textContent = `${job.done} / ${job.total}`;
    }
  }
}

const going = data()?.job;
const box = document.querySelector('[data-job]');
if (going && box) watch(going, /** @type {HTMLElement} */ (box));
document.getElementById('trouble')?.focus();
