// A list of any length: only the rows that can be seen are in the document.

// Browsers give up on elements higher than some ten million pixels; a longer list is scrolled in proportion.
const HIGHEST = 8_000_000;
const BEYOND = 5;

class LongList {
  /** *draw* fills a row's element for a place in the list; *choose* hears which row was asked for. */
  constructor(box, { height, draw, choose }) {
    this.box = box;
    this.rowHeight = height;
    this.draw = draw;
    this.choose = choose;
    this.count = 0;
    this.active = -1;
    this.chosen = -1;
    this.rows = new Map();
    this.spare = [];
    this.space = make("div", "space");
    this.space.setAttribute("role", "presentation");
    box.append(this.space);
    box.addEventListener("scroll", () => this.drawSoon(), { passive: true });
    box.addEventListener("focus", () => {
      if (this.active < 0 && this.count) this.activate(Math.ceil(this.top / this.rowHeight));
    });
    box.addEventListener("click", (event) => {
      const row = event.target.closest("[role=option]");
      if (row) this.pick(Number(row.dataset.place));
    });
    new ResizeObserver(() => this.drawSoon()).observe(box);
  }

  /** Show so many rows, anew. */
  show(count, { keepPlace = false } = {}) {
    this.count = count;
    this.space.style.height = Math.min(count * this.rowHeight, HIGHEST) + "px";
    if (!keepPlace) this.box.scrollTop = 0;
    this.redraw();
  }

  redraw() {
    for (const place of [...this.rows.keys()]) this.drop(place);
    this.drawNow();
  }

  drawSoon() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.drawNow();
    });
  }

  /** How far the list is scrolled, in pixels of its true height. */
  get top() {
    const view = this.box.clientHeight;
    const drawn = Math.min(this.count * this.rowHeight, HIGHEST) - view;
    const real = this.count * this.rowHeight - view;
    return drawn > 0 && real > drawn ? (this.box.scrollTop * real) / drawn : this.box.scrollTop;
  }

  drawNow() {
    const view = this.box.clientHeight;
    if (!view) return;
    const top = this.top;
    const shift = this.box.scrollTop - top;
    const first = Math.max(0, Math.floor(top / this.rowHeight) - BEYOND);
    const last = Math.min(this.count - 1, Math.ceil((top + view) / this.rowHeight) + BEYOND);
    for (const place of [...this.rows.keys()]) if (place < first || place > last) this.drop(place);
    for (let place = first; place <= last; place += 1) {
      const row = this.rows.get(place) || this.take(place);
      row.style.transform = "translateY(" + (shift + place * this.rowHeight) + "px)";
    }
  }

  take(place) {
    const row = this.spare.pop() || make("div", "");
    row.className = "row";
    row.id = this.box.id + "-" + place;
    row.dataset.place = place;
    row.setAttribute("role", "option");
    row.setAttribute("aria-setsize", this.count);
    row.setAttribute("aria-posinset", place + 1);
    row.setAttribute("aria-selected", place === this.chosen);
    row.classList.toggle("active", place === this.active);
    row.style.height = this.rowHeight + "px";
    row.textContent = "";
    this.draw(row, place);
    this.rows.set(place, row);
    // The order in the document is that of the list, for those who hear it.
    const after = this.rows.get(place + 1);
    this.space.insertBefore(row, after || null);
    return row;
  }

  drop(place) {
    const row = this.rows.get(place);
    this.rows.delete(place);
    row.remove();
    if (this.spare.length < 60) this.spare.push(row);
  }

  /** Make a row the one that keys act on, and bring it into sight. */
  activate(place) {
    this.active = place;
    this.box.setAttribute("aria-activedescendant", this.box.id + "-" + place);
    const view = this.box.clientHeight;
    const at = place * this.rowHeight;
    const top = this.top;
    let wanted = top;
    if (at < top) wanted = at;
    else if (at + this.rowHeight > top + view) wanted = at + this.rowHeight - view;
    if (wanted !== top) this.scrollTo(wanted);
    this.mark();
  }

  scrollTo(top) {
    const view = this.box.clientHeight;
    const drawn = Math.min(this.count * this.rowHeight, HIGHEST) - view;
    const real = this.count * this.rowHeight - view;
    this.box.scrollTop = real > drawn && drawn > 0 ? (top * drawn) / real : top;
    this.drawNow();
  }

  mark() {
    for (const [place, row] of this.rows) {
      row.setAttribute("aria-selected", place === this.chosen);
      row.classList.toggle("active", place === this.active);
    }
  }

  pick(place) {
    if (place < 0 || place >= this.count) return;
    this.activate(place);
    this.chosen = place;
    this.mark();
    this.choose(place);
  }

  /** Move by rows; true where the key was one that moves. */
  key(name) {
    const page = Math.max(1, Math.floor(this.box.clientHeight / this.rowHeight) - 1);
    const steps = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: page, PageUp: -page, Home: -this.count, End: this.count };
    if (!(name in steps) || !this.count) return false;
    const next = this.active < 0 ? (name === "End" ? this.count - 1 : 0) : this.active + steps[name];
    this.activate(Math.max(0, Math.min(this.count - 1, next)));
    return true;
  }
}
