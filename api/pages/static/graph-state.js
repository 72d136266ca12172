// The state of the graph page: what is shown, where, and how it came about. No DOM here.
// Every change makes a new state, so that undo and redo are a step back or forth.

/**
 * @typedef {{id: number, key: string, kind: string, name: string, label: string, region: string,
 *   place: string, amount: string, degree: number, as_of: string, confidence: number | null,
 *   groups: [number, number][], x: number, y: number, shape: string, color: string, size: number}} Node
 * @typedef {{id: number, from: number, to: number, edge: string, name: string, as_of: string,
 *   confidence: number | null, stated: string[], color: string, dashes: boolean}} Edge
 * @typedef {{code: string, title: string, kind: string, at: string, edge: string, outward: boolean, measure: string}} Group
 * @typedef {{kinds: Set<string>, lines: Set<string>, place: string, since: string, sure: number}} Filter
 * @typedef {{placed: Map<number, [number, number]>, pinned: Set<number>, hidden: Set<number>,
 *   roots: Set<number>, opened: Map<string, number[]>, clicks: Map<string, number>, bands: {name: string, x: number, w: number}[]}} State
 */

/** @returns {State} */
const empty = () => ({ placed: new Map(), pinned: new Set(), hidden: new Set(), roots: new Set(), opened: new Map(), clicks: new Map(), bands: [] });

/** @param {State} state @returns {State} */
const copy = (state) => ({
  placed: new Map(state.placed), pinned: new Set(state.pinned), hidden: new Set(state.hidden),
  roots: new Set(state.roots), opened: new Map(state.opened), clicks: new Map(state.clicks), bands: state.bands,
});

export class View {
  /** @param {Group[]} groups */
  constructor(groups) {
    this.groups = groups;
    /** Neighbours by ``node|group``. @type {Map<string, Set<number>>} */ this.near = new Map();
    /** @type {Map<number, Node>} */ this.nodes = new Map();
    /** @type {Map<number, Edge>} */ this.edges = new Map();
    /** @type {State} */ this.now = empty();
    /** @type {State[]} */ this.past = [];
    /** @type {State[]} */ this.future = [];
  }

  /** Learn what the server sent. @param {{nodes: Node[], edges: Edge[]}} sent */
  learn(sent) {
    for (const node of sent.nodes) this.nodes.set(node.id, node);
    for (const edge of sent.edges) {
      this.edges.set(edge.id, edge);
      this.join(edge.from, edge.to, edge.edge, true);
      this.join(edge.to, edge.from, edge.edge, false);
    }
  }

  /** @param {number} here @param {number} there @param {string} edge @param {boolean} outward */
  join(here, there, edge, outward) {
    const at = this.nodes.get(here)?.kind, kind = this.nodes.get(there)?.kind;
    const group = this.groups.findIndex((g) => g.edge === edge && g.outward === outward && g.at === at && g.kind === kind);
    const key = `${here}|${group}`;
    this.near.set(key, (this.near.get(key) ?? new Set()).add(there));
  }

  /** Make a change that can be undone. @param {(state: State) => void} change */
  change(change) {
    this.past.push(this.now);
    if (this.past.length > 100) this.past.shift();
    this.now = copy(this.now);
    this.future = [];
    change(this.now);
  }

  undo() {
    const before = this.past.pop();
    if (before) { this.future.push(this.now); this.now = before; }
  }

  redo() {
    const next = this.future.pop();
    if (next) { this.past.push(this.now); this.now = next; }
  }

  /** Nodes with positions, as the server takes them. @returns {[number, number, number][]} */
  placed() {
    return [...this.now.placed].map(([id, [x, y]]) => [id, x, y]);
  }

  /** Neighbours in a group that are in the view. @param {number} node @param {number} group */
  here(node, group) {
    return [...(this.near.get(`${node}|${group}`) ?? [])].filter((id) => this.now.placed.has(id));
  }

  /** How many are not. @param {number} node @param {number} group @param {number} count */
  left(node, group, count) {
    return count - this.here(node, group).length;
  }

  /** What a node's expansions brought that nothing else holds. @param {number} node @param {Set<number>} [seen] @returns {number[]} */
  brought(node, seen = new Set([node])) {
    /** @type {number[]} */ const found = [];
    for (const [key, ids] of this.now.opened) {
      if (Number(key.split("|")[0]) !== node) continue;
      for (const id of ids) {
        if (seen.has(id) || this.now.roots.has(id) || this.now.pinned.has(id)) continue;
        seen.add(id);
        found.push(id, ...this.brought(id, seen));
      }
    }
    return found;
  }

  /** Take away what a node's expansions brought. @param {number} node */
  collapse(node) {
    const gone = new Set(this.brought(node));
    this.change((state) => {
      for (const id of gone) state.placed.delete(id);
      for (const key of [...state.opened.keys()]) {
        const owner = Number(key.split("|")[0]);
        if (owner === node || gone.has(owner)) { state.opened.delete(key); state.clicks.delete(key); }
      }
    });
  }

  /** Nodes and edges that the filter lets through. @param {Filter} filter */
  shown(filter) {
    const nodes = [...this.now.placed.keys()].map((id) => /** @type {Node} */ (this.nodes.get(id))).filter((node) =>
      !this.now.hidden.has(node.id) && filter.kinds.has(node.kind)
      && (!filter.place || !node.region || within(node.region, filter.place)));
    const there = new Set(nodes.map((node) => node.id));
    const edges = [...this.edges.values()].filter((edge) =>
      there.has(edge.from) && there.has(edge.to) && filter.lines.has(edge.edge)
      && (!filter.since || edge.as_of >= filter.since) && (edge.confidence ?? 1) >= filter.sure);
    return { nodes, edges };
  }
}

/** Whether a region lies in a province or city. @param {string} code @param {string} region */
export const within = (code, region) => code.startsWith(region.replace(/(00)+$/, ""));
