// Points by the ten thousand: WebGL 2 where the browser has it, else the same on a plain canvas.
// (The script that plotly ships needs eval for its WebGL traces, which our policy forbids.)

const VERTEX = `#version 300 es
in vec2 place; in float kind;
uniform vec2 middle, scale; uniform float size; uniform vec4 palette[8]; uniform bool flat_;
out vec4 colour;
void main() {
  int at = int(kind);
  colour = flat_ ? palette[7] : palette[at];
  vec2 seen = (place - middle) * scale;
  gl_Position = palette[at].a > 0.0 ? vec4(seen.x, -seen.y, 0.0, 1.0) : vec4(2.0, 2.0, 2.0, 1.0);
  gl_PointSize = size;
}`;
const FRAGMENT = `#version 300 es
precision mediump float;
in vec4 colour; uniform bool flat_; out vec4 drawn;
void main() {
  if (!flat_ && length(gl_PointCoord - 0.5) > 0.5) discard;
  drawn = vec4(colour.rgb * colour.a, colour.a);
}`;

/**
 * @typedef {{text: string, x: number, y: number, r: number}} Label
 * @typedef {{xs: Int16Array, ys: Int16Array, kinds: Uint8Array, colours: string[], labels: Label[],
 *   spacing: number}} Points
 */

export class Cloud {
  /** @param {HTMLElement} holder @param {Points} points */
  constructor(holder, points) {
    this.holder = holder;
    this.points = points;
    this.x = 0;
    this.y = 0;
    /** Units of the points in a pixel. */ this.unit = 1;
    /** @type {boolean[]} */ this.on = points.colours.map(() => true);
    /** @type {number | null} */ this.chosen = null;
    /** @type {number[]} */ this.near = [];
    /** @type {Uint32Array | null} */ this.lines = null;
    this.waiting = 0;
    this.moving = 0;
    this.base = document.createElement("canvas");
    this.front = document.createElement("canvas");
    for (const canvas of [this.base, this.front]) {
      canvas.style.cssText = "position:absolute;inset:0;width:100%;height:100%";
      holder.append(canvas);
    }
    this.gl = this.base.getContext("webgl2", { antialias: false, alpha: false });
    if (this.gl) this.load(this.gl);
    new ResizeObserver(() => this.draw()).observe(holder);
    this.listen();
  }

  /** Hand the points to the graphics card. @param {WebGL2RenderingContext} gl */
  load(gl) {
    const program = /** @type {WebGLProgram} */ (gl.createProgram());
    for (const [type, source] of /** @type {[number, string][]} */ ([[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]])) {
      const shader = /** @type {WebGLShader} */ (gl.createShader(type));
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.bindAttribLocation(program, 0, "place");
    gl.bindAttribLocation(program, 1, "kind");
    gl.linkProgram(program);
    gl.useProgram(program);
    const { xs, ys, kinds } = this.points, both = new Int16Array(2 * xs.length);
    for (let i = 0; i < xs.length; i += 1) { both[2 * i] = xs[i]; both[2 * i + 1] = ys[i]; }
    /** @param {number} at @param {ArrayBufferView} data @param {number} width @param {number} type */
    const attribute = (at, data, width, type) => {
      gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
      gl.bufferData(gl.ARRAY_BUFFER, data, gl.STATIC_DRAW);
      gl.enableVertexAttribArray(at);
      gl.vertexAttribPointer(at, width, type, false, 0, 0);
    };
    attribute(0, both, 2, gl.SHORT);
    attribute(1, kinds, 1, gl.UNSIGNED_BYTE);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.clearColor(1, 1, 1, 1);
    /** @param {string} name */
    this.uniform = (name) => gl.getUniformLocation(program, name);
  }

  /** Lines to draw between points. @param {Uint32Array | null} pairs */
  join(pairs) {
    this.lines = pairs;
    if (this.gl && pairs) {
      this.gl.bindBuffer(this.gl.ELEMENT_ARRAY_BUFFER, this.gl.createBuffer());
      this.gl.bufferData(this.gl.ELEMENT_ARRAY_BUFFER, pairs, this.gl.STATIC_DRAW);
    }
    this.draw();
  }

  /** Show a place. @param {number} x @param {number} y @param {number} half Units from the middle to the nearer edge. */
  look(x, y, half) {
    this.x = x;
    this.y = y;
    this.unit = 2 * half / Math.max(1, Math.min(this.holder.clientWidth, this.holder.clientHeight));
    this.draw();
  }

  draw() {
    if (!this.waiting) this.waiting = requestAnimationFrame(() => { this.waiting = 0; this.paint(); });
  }

  /** Where a point stands, in pixels of the holder. @param {number} node @returns {[number, number]} */
  at(node) {
    const { clientWidth: wide, clientHeight: high } = this.holder;
    return [wide / 2 + (this.points.xs[node] - this.x) / this.unit, high / 2 + (this.points.ys[node] - this.y) / this.unit];
  }

  paint() {
    const { clientWidth: wide, clientHeight: high } = this.holder, dense = window.devicePixelRatio || 1;
    if (!wide || !high) return;
    for (const canvas of [this.base, this.front]) {
      const [w, h] = [Math.round(wide * dense), Math.round(high * dense)];
      if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; }
    }
    if (this.gl) this.paintFast(this.gl, wide, high, dense);
    else this.paintPlain(dense);
    this.paintFront(wide, high, dense);
  }

  /** Size of a point in pixels: grows as one comes nearer. */
  get dot() {
    return Math.min(11, Math.max(1.6, this.points.spacing / this.unit));
  }

  /** @param {WebGL2RenderingContext} gl @param {number} wide @param {number} high @param {number} dense */
  paintFast(gl, wide, high, dense) {
    const uniform = /** @type {(name: string) => WebGLUniformLocation | null} */ (this.uniform);
    const palette = [...this.points.colours.map((colour, at) => [...rgb(colour), this.on[at] ? 0.85 : 0]), ...Array(7 - this.points.colours.length).fill([0, 0, 0, 0]), [0.35, 0.42, 0.5, 0.06]];
    gl.viewport(0, 0, gl.drawingBufferWidth, gl.drawingBufferHeight);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.uniform2f(uniform("middle"), this.x, this.y);
    gl.uniform2f(uniform("scale"), 2 / this.unit / wide, 2 / this.unit / high);
    gl.uniform1f(uniform("size"), this.dot * dense);
    gl.uniform4fv(uniform("palette"), new Float32Array(palette.flat()));
    if (this.lines && !this.moving) {
      gl.uniform1i(uniform("flat_"), 1);
      gl.drawElements(gl.LINES, this.lines.length, gl.UNSIGNED_INT, 0);
    }
    gl.uniform1i(uniform("flat_"), 0);
    gl.drawArrays(gl.POINTS, 0, this.points.xs.length);
  }

  /** @param {number} dense */
  paintPlain(dense) {
    const ctx = /** @type {CanvasRenderingContext2D} */ (this.base.getContext("2d", { alpha: false }));
    const { width, height } = this.base, { xs, ys, kinds, colours } = this.points;
    const image = ctx.createImageData(width, height), pixels = new Uint32Array(image.data.buffer).fill(0xffffffff);
    const inks = colours.map((colour) => { const [r, g, b] = rgb(colour).map((v) => Math.round(255 * v)); return 0xff000000 + (b << 16) + (g << 8) + r; });
    const size = Math.max(1, Math.round(this.dot * dense)), step = dense / this.unit;
    for (let i = 0; i < xs.length; i += 1) {
      if (!this.on[kinds[i]]) continue;
      const left = Math.round(width / 2 + (xs[i] - this.x) * step - size / 2), top = Math.round(height / 2 + (ys[i] - this.y) * step - size / 2);
      if (left < 0 || top < 0 || left + size > width || top + size > height) continue;
      for (let y = top; y < top + size; y += 1) pixels.fill(inks[kinds[i]], y * width + left, y * width + left + size);
    }
    ctx.putImageData(image, 0, 0);
  }

  /** Names of discs, and the node that is chosen with its lines. @param {number} wide @param {number} high @param {number} dense */
  paintFront(wide, high, dense) {
    const ctx = /** @type {CanvasRenderingContext2D} */ (this.front.getContext("2d"));
    ctx.setTransform(dense, 0, 0, dense, 0, 0);
    ctx.clearRect(0, 0, wide, high);
    ctx.font = "13px 'Noto Sans SC', 'Noto Sans CJK SC', 'Microsoft YaHei', sans-serif";
    ctx.textAlign = "center";
    ctx.lineJoin = "round";
    /** @type {[number, number, number, number][]} */ const taken = [];
    for (const { text, x, y, r } of this.points.labels) {
      if (r / this.unit < 22) continue;
      const [cx, cy] = [wide / 2 + (x - this.x) / this.unit, high / 2 + (y - this.y) / this.unit + 5];
      const half = ctx.measureText(text).width / 2 + 3, box = /** @type {[number, number, number, number]} */ ([cx - half, cy - 15, cx + half, cy + 5]);
      if (taken.some((other) => box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3])) continue;
      taken.push(box);
      ctx.strokeStyle = "#ffffff";
      ctx.lineWidth = 4;
      ctx.strokeText(text, cx, cy);
      ctx.fillStyle = "#14365a";
      ctx.fillText(text, cx, cy);
    }
    if (this.chosen === null) return;
    const here = this.at(this.chosen);
    ctx.strokeStyle = "rgba(17,17,17,.45)";
    ctx.lineWidth = 1;
    ctx.beginPath();
    for (const other of this.near) { ctx.moveTo(...here); ctx.lineTo(...this.at(other)); }
    ctx.stroke();
    ctx.strokeStyle = "#111111";
    ctx.lineWidth = 2.5;
    ctx.beginPath();
    ctx.arc(...here, this.dot / 2 + 5, 0, 2 * Math.PI);
    ctx.stroke();
  }

  /** The node nearest to a place on the screen, if one is near. @param {number} px @param {number} py @returns {number | null} */
  pick(px, py) {
    const { xs, ys, kinds } = this.points, { clientWidth: wide, clientHeight: high } = this.holder;
    const x = this.x + (px - wide / 2) * this.unit, y = this.y + (py - high / 2) * this.unit;
    let best = ((this.dot / 2 + 4) * this.unit) ** 2, found = null;
    for (let i = 0; i < xs.length; i += 1) {
      const far = (xs[i] - x) ** 2 + (ys[i] - y) ** 2;
      if (far < best && this.on[kinds[i]]) { best = far; found = i; }
    }
    return found;
  }

  /** Zoom about a place on the screen. @param {number} factor @param {number} px @param {number} py */
  zoom(factor, px, py) {
    const unit = Math.min(400, Math.max(1.2, this.unit * factor));
    this.x += (px - this.holder.clientWidth / 2) * (this.unit - unit);
    this.y += (py - this.holder.clientHeight / 2) * (this.unit - unit);
    this.unit = unit;
    this.rest();
  }

  /** Draw without lines while things move, and with them when they rest. */
  rest() {
    clearTimeout(this.moving);
    this.moving = window.setTimeout(() => { this.moving = 0; this.draw(); }, 150);
    this.draw();
  }

  /** What pointer, wheel and keys do; tells ``holder`` what is hovered and picked. */
  listen() {
    const { holder } = this;
    /** @type {[number, number, number, number] | null} */ let grip = null;
    /** @param {string} name @param {number | null} node */
    const tell = (name, node) => holder.dispatchEvent(new CustomEvent(name, { detail: node }));
    /** @param {MouseEvent} event @returns {[number, number]} */
    const place = (event) => { const box = holder.getBoundingClientRect(); return [event.clientX - box.x, event.clientY - box.y]; };
    holder.addEventListener("pointerdown", (event) => { grip = [event.clientX, event.clientY, this.x, this.y]; holder.setPointerCapture(event.pointerId); });
    holder.addEventListener("pointermove", (event) => {
      if (!grip) { tell("hovered", this.pick(...place(event))); return; }
      this.x = grip[2] - (event.clientX - grip[0]) * this.unit;
      this.y = grip[3] - (event.clientY - grip[1]) * this.unit;
      this.rest();
    });
    holder.addEventListener("pointerup", (event) => {
      if (grip && Math.hypot(event.clientX - grip[0], event.clientY - grip[1]) < 4) tell("picked", this.pick(...place(event)));
      grip = null;
    });
    holder.addEventListener("wheel", (event) => { event.preventDefault(); this.zoom(Math.exp(event.deltaY * 0.0015), ...place(event)); }, { passive: false });
    holder.addEventListener("keydown", (event) => {
      const step = 60 * this.unit, { clientWidth: wide, clientHeight: high } = holder;
      if (event.key === "ArrowLeft") this.x -= step;
      else if (event.key === "ArrowRight") this.x += step;
      else if (event.key === "ArrowUp") this.y -= step;
      else if (event.key === "ArrowDown") this.y += step;
      else if (event.key === "+" || event.key === "=") this.zoom(0.8, wide / 2, high / 2);
      else if (event.key === "-") this.zoom(1.25, wide / 2, high / 2);
      else return;
      event.preventDefault();
      this.rest();
    });
  }
}

/** @param {string} colour ``#rrggbb`` */
const rgb = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255);
