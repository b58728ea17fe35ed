// The second part: what the sync runs did, what failed, and how near each pool came to its limit.

// A run, by place; COUNTS are in the order of runs.py.
const RUN_ID = 0, STARTED = 1, FINISHED = 2, COUNTS = 3, BLOCKS = 4;
const R_INBOXES = 0, R_THREADS = 1, R_MESSAGES = 2, R_CALLS = 3, R_WAITED = 4, R_NEW = 5, R_CHANGED = 6, R_GONE = 7;
const R_COMPLETE = 8, R_FAILED = 9, R_RUNNING = 10;
const CHARTS_AT_ONCE = 24;
const EASE_OFF_AT = 75;
const SVG = "http://www.w3.org/2000/svg";

function shape(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

class Runs {
  constructor(box, inboxes, name) {
    this.box = box;
    this.inboxes = inboxes;
    this.name = name;
    this.drawn = false;
    this.asked = 0;
  }

  async open() {
    if (this.drawn) return;
    this.drawn = true;
    this.runs = (await block("runs")) || [];
    this.box.textContent = "";
    if (!this.runs.length) {
      this.box.append(make("div", "empty", make("p", "", "No sync has been run on this database yet.")));
      return;
    }
    this.detail = make("div", "detail");
    this.box.append(make("div", "sheet", this.table(), this.detail));
    await this.choose(0);
  }

  /** All runs as a table; a click tells one in detail. */
  table() {
    const head = ["Started", "Took", "Inboxes", "Threads", "New", "Changed", "Gone", "Messages", "Calls", "Waited", "Outcome"];
    const table = make("table", "numbers");
    table.append(make("thead", "", rowOf("th", head)));
    const body = make("tbody", "");
    this.runs.forEach((run, place) => {
      const counts = run[COUNTS];
      const cells = rowOf("td", [
        button("as-link", told(BRIEF, run[STARTED]) || "not told", () => this.choose(place)),
        run[FINISHED] && !counts[R_RUNNING] ? span(run[FINISHED] - run[STARTED]) : "–",
        ...[R_INBOXES, R_THREADS, R_NEW, R_CHANGED, R_GONE, R_MESSAGES, R_CALLS].map((at) => NUMBER.format(counts[at])),
        span(counts[R_WAITED]),
        outcomeOf(run, place),
      ]);
      cells.dataset.place = place;
      body.append(cells);
    });
    table.append(body);
    const box = make("div", "scroll", table);
    box.tabIndex = 0;
    box.setAttribute("role", "region");
    box.setAttribute("aria-label", "Sync runs, newest first");
    return make("section", "card", make("h2", "", "Sync runs"), box);
  }

  async choose(place) {
    const run = this.runs[place];
    const asked = (this.asked += 1);
    for (const row of this.box.querySelectorAll("tr[data-place]")) {
      row.classList.toggle("chosen", Number(row.dataset.place) === place);
      row.querySelector("button").setAttribute("aria-pressed", Number(row.dataset.place) === place);
    }
    this.detail.textContent = "";
    this.detail.append(this.tiles(run));
    if (!run[BLOCKS]) {
      this.detail.append(make("p", "small", "Only the newest runs are told Inbox by Inbox here; the database has them all."));
      return;
    }
    const rows = await gathered("r" + place + ".", run[BLOCKS][0]);
    const lines = await gathered("u" + place + ".", run[BLOCKS][1]);
    if (asked !== this.asked) return; // another run was asked for meanwhile
    const failed = rows.filter((row) => row[1] === "failed");
    this.detail.append(this.failures(failed), this.usage(lines), this.perInbox(rows));
  }

  tiles(run) {
    const counts = run[COUNTS];
    const tile = (value, name, bad) => make("div", bad ? "tile bad" : "tile", make("b", "", value), make("span", "small", name));
    return make(
      "div",
      "tiles",
      tile(NUMBER.format(counts[R_COMPLETE]) + " of " + NUMBER.format(counts[R_INBOXES]), "Inboxes complete"),
      tile(NUMBER.format(counts[R_FAILED]), "Inboxes failed", counts[R_FAILED] > 0),
      tile(NUMBER.format(counts[R_THREADS]), "threads read"),
      tile(NUMBER.format(counts[R_MESSAGES]), "messages read"),
      tile(NUMBER.format(counts[R_CALLS]), "calls"),
      tile(span(counts[R_WAITED]), "waited, over all Inboxes"),
    );
  }

  failures(rows) {
    const section = make("section", "card", make("h2", "", "What failed"));
    if (!rows.length) section.append(make("p", "fine", "Nothing failed in this run."));
    const list = make("ul", "failures");
    const draw = (from, to) => {
      for (const row of rows.slice(from, to)) {
        const inbox = this.inboxes.rows[row[0]];
        const name = make("p", "", platformDot(inbox), make("b", "", isolated(pageName(inbox))), " on " + platformName(inbox));
        list.append(make("li", "", name, failureOf(row[9], row[10])));
      }
    };
    section.append(list);
    inSteps(section, rows.length, 20, draw);
    return section;
  }

  perInbox(rows) {
    const head = ["Inbox", "Threads", "New", "Changed", "Gone", "Messages", "Calls", "Waited", "Outcome"];
    const table = make("table", "numbers");
    table.append(make("thead", "", rowOf("th", head)));
    const body = make("tbody", "");
    const draw = (from, to) => {
      for (const [number, outcome, found, messages, calls, waited, fresh, changed, gone] of rows.slice(from, to)) {
        const inbox = this.inboxes.rows[number];
        const name = make("span", "named", platformDot(inbox), isolated(pageName(inbox)), make("span", "small", " " + platformName(inbox)));
        const numbers = [found, fresh, changed, gone, messages, calls].map((each) => NUMBER.format(each));
        body.append(rowOf("td", [name, ...numbers, span(waited), badgeOf(outcome)]));
      }
    };
    table.append(body);
    const box = make("div", "scroll", table);
    box.tabIndex = 0;
    box.setAttribute("role", "region");
    box.setAttribute("aria-label", "This run, Inbox by Inbox");
    const section = make("section", "card", make("h2", "", "Inbox by Inbox"), box);
    inSteps(section, rows.length, 100, draw);
    return section;
  }

  usage(lines) {
    const section = make("section", "card", make("h2", "", "Usage of Meta's limits"));
    if (!lines.length) {
      section.append(make("p", "fine", "Meta sent no usage in this run."));
      return section;
    }
    const key = make("p", "small legend");
    const lineKinds = { calls: "calls", time: "time", cpu: "CPU time", ease: "75 %: from here on the sync goes slower" };
    for (const [name, what] of Object.entries(lineKinds)) key.append(make("span", "", make("span", "line " + name), what));
    section.append(key);
    // The fullest pools first: that is where the next trouble comes from.
    lines.sort((one, other) => other[2] - one[2] || one[0] - other[0]);
    const grid = make("div", "charts");
    const draw = (from, to) => grid.append(...lines.slice(from, to).map((line) => this.chart(line)));
    section.append(grid);
    inSteps(section, lines.length, CHARTS_AT_ONCE, draw);
    return section;
  }

  /** One pool over the run: percent used of calls, time and CPU time, and the line from which the pace eases. */
  chart([number, pool, peak, regain, points]) {
    const inbox = number < 0 ? null : this.inboxes.rows[number];
    const [width, height, left, bottom] = [300, 110, 30, 16];
    const first = points[0][0];
    const last = points[points.length - 1][0];
    const most = Math.max(100, Math.ceil(peak / 50) * 50);
    const x = (moment) => (last > first ? left + ((moment - first) / (last - first)) * (width - left - 4) : left + (width - left) / 2);
    const y = (percent) => 6 + (1 - percent / most) * (height - 6 - bottom);
    const picture = shape("svg", { viewBox: "0 0 " + width + " " + height, role: "img" });
    const words = (inbox ? pageName(inbox) + " on " + platformName(inbox) : "All Pages") + ", pool " + pool + ": at most " + Math.round(peak) + " % used";
    picture.setAttribute("aria-label", words);
    for (const percent of [0, 50, 100]) {
      picture.append(shape("line", { class: "grid", x1: left, x2: width, y1: y(percent), y2: y(percent) }));
      const label = shape("text", { class: "axis", x: left - 5, y: y(percent) + 3.5, "text-anchor": "end" });
      label.textContent = percent;
      picture.append(label);
    }
    picture.append(shape("line", { class: "ease", x1: left, x2: width, y1: y(EASE_OFF_AT), y2: y(EASE_OFF_AT) }));
    for (const [name, at] of [["cpu", 3], ["time", 2], ["calls", 1]]) picture.append(lineOf(name, points, at, x, y));
    for (const [moment, anchor, place] of last > first ? [[first, "start", left], [last, "end", width]] : [[first, "middle", x(first)]]) {
      const label = shape("text", { class: "axis", x: place, y: height - 3, "text-anchor": anchor });
      label.textContent = CLOCK.format(dateOf(moment));
      picture.append(label);
    }
    const figure = make("figure", "chart");
    const high = make("span", "peak", "peak " + Math.round(peak) + " %");
    const dot = inbox ? platformDot(inbox) : make("span", "dot all");
    const name = make("p", "", dot, make("b", "", inbox ? isolated(pageName(inbox)) : "All Pages"));
    if (peak >= EASE_OFF_AT) high.classList.add(peak >= 100 ? "full" : "high");
    const caption = make("figcaption", "", name, high, make("span", "small pool", isolated(pool)));
    if (regain) caption.append(make("span", "small", "closed for up to " + span(regain)));
    figure.append(caption, picture);
    return figure;
  }
}

/** A line of a chart; a single sample is a dot. */
function lineOf(name, points, at, x, y) {
  if (points.length === 1) return shape("circle", { class: "dot " + name, cx: x(points[0][0]), cy: y(points[0][at]), r: 2.5 });
  const path = points.map((point, place) => (place ? "L" : "M") + x(point[0]).toFixed(1) + " " + y(point[at]).toFixed(1));
  return shape("path", { class: "value " + name, d: path.join("") });
}

function rowOf(tag, cells) {
  const row = make("tr", "");
  for (const cell of cells) {
    const box = make(tag, "", cell);
    if (tag === "th") box.scope = "col";
    row.append(box);
  }
  return row;
}

async function gathered(name, count) {
  const parts = [];
  for (let number = 0; number < count; number += 1) parts.push((await block(name + number)) || []);
  return [].concat(...parts);
}

/** Draw a long list in steps, with a button for the next. */
function inSteps(section, count, step, draw) {
  let shown = Math.min(count, step);
  draw(0, shown);
  if (shown >= count) return;
  const more = button("further", "", () => {
    const next = Math.min(count, shown + step * 4);
    draw(shown, next);
    shown = next;
    name();
  });
  const name = () => {
    more.textContent = "Show more (" + NUMBER.format(count - shown) + " left)";
    if (shown >= count) more.remove();
  };
  name();
  section.append(more);
}

const OUTCOMES = { complete: "complete", failed: "failed", interrupted: "interrupted", running: "not ended" };

function badgeOf(outcome) {
  return make("span", outcome === "complete" ? "badge good" : outcome === "failed" ? "badge bad" : "badge", OUTCOMES[outcome] || outcome);
}

/** How a run ended as a whole. One that was killed could not write its end. */
function outcomeOf(run, place) {
  const counts = run[COUNTS];
  if (counts[R_RUNNING]) return make("span", "badge", place ? "did not end" : "running, or killed");
  if (counts[R_FAILED]) return make("span", "badge bad", NUMBER.format(counts[R_FAILED]) + " failed");
  return badgeOf(counts[R_COMPLETE] === counts[R_INBOXES] ? "complete" : "interrupted");
}
