// What every page gets: forms that send themselves when a choice changes.
// Without scripts the same forms have a button.

for (const form of document.querySelectorAll('form[data-auto]')) {
  for (const button of /** @type {NodeListOf<HTMLElement>} */ (form.querySelectorAll('button[data-plain]'))) button.hidden = true;
  form.addEventListener('change', () => /** @type {HTMLFormElement} */ (form).requestSubmit());
}

/**
 * What the server left for the page's scripts.
 * @returns {any}
 */
export function data() {
  return JSON.parse(document.getElementById('data')?.textContent || 'null');
}
