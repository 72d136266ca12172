// What every page gets: forms that send themselves when a choice changes.
// Without scripts the same forms have a button.

for (const form of document.querySelectorAll('form[data-auto]')) {
  for (const button of /** @type {NodeListOf<HTMLElement>} */ (form.querySelectorAll('button[data-plain]'))) button.hidden = true;
  form.addEventListener('change', (event) => {
    // What the page itself can show at once is not asked of the server.
    const local = /** @type {HTMLElement} */ (event.target).hasAttribute('data-local');
    if (!local) /** @type {HTMLFormElement} */ (form).requestSubmit();
  });
}

/**
 * What the server left for the page's scripts.
 * @returns {any}
 */
export function data() {
  return JSON.parse(document.getElementById('data')?.textContent || 'null');
}

/** Parts that take a moment to work out come after the page itself. */
for (const place of document.querySelectorAll('[data-load]')) {
  const into = place.querySelector('[data-into]');
  if (into) fill(/** @type {HTMLElement} */ (into), place.getAttribute('data-load') ?? '');
}

/**
 * Put a part of a page, which the server made and escaped, into an element.
 * @param {HTMLElement} into
 * @param {string} address
 * @returns {Promise<boolean>} whether it came
 */
export async function fill(into, address) {
  into.setAttribute('aria-busy', 'true');
  try {
    const answer = await fetch(address, { headers: { accept: 'text/html' } });
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    if (!answer.ok) {
      into.replaceChildren(...(page.querySelector('main') ?? page.body).childNodes);
      return false;
    }
    into.replaceChildren(...page.body.childNodes);
    return true;
  } catch {
    return false; // the link that stands there still works
  } finally {
    into.removeAttribute('aria-busy');
  }
}

// A bar at the top tells that the next page is being worked out.
addEventListener('beforeunload', () => document.body.classList.add('leaving'));
addEventListener('pageshow', () => document.body.classList.remove('leaving'));
