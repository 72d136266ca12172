// Starts Swagger UI or ReDoc, whichever the page loaded, on the description of the API.

import { data } from './desk.js';

const place = document.getElementById('reference');
const csrf = document.querySelector('meta[name=csrf]')?.getAttribute('content') || '';
const loaded = /** @type {any} */ (window);

// ReDoc shows a logo that it asks another server for; nothing here is asked of others.
const set = HTMLImageElement.prototype.setAttribute;
HTMLImageElement.prototype.setAttribute = function (name, value) {
  const elsewhere = name === 'src' && new URL(value, location.href).origin !== location.origin;
  set.call(this, name, elsewhere ? 'data:,' : value);
};
Object.defineProperty(HTMLImageElement.prototype, 'src', {
  get() { return this.getAttribute('src'); },
  set(value) { this.setAttribute('src', value); },
});

if (loaded.SwaggerUIBundle) {
  loaded.SwaggerUIBundle({
    url: data().document,
    domNode: place,
    deepLinking: true,
    // What the person may do, requests tried out here may do too.
    requestInterceptor: (/** @type {any} */ request) => {
      if (csrf) request.headers['X-CSRF-Token'] = csrf;
      return request;
    },
  });
} else if (loaded.Redoc) {
  // Its search runs in a worker made of a blob, which the security policy forbids.
  loaded.Redoc.init(data().document, { disableSearch: true, hideLoading: true }, place);
}
