// The page: its parts joined, the address (#thread-12, #runs), the keys.

/** Whether the file has been read beyond an element; one that is still being read holds half of its text. */
const isWhole = (element) => element && (element.nextSibling || document.readyState !== "loading");
const find = (id) => document.getElementById(id);
const wide = matchMedia("(min-width: 760px)");
const now = new Date();

class App {
  constructor(head) {
    this.head = head;
    this.inbox = -1;
    this.search = null;
    this.places = null;
    this.blocksRead = 0;
    this.cameFromList = false;
    this.inboxes = new Inboxes(head.inboxes, (number) => this.chooseInbox(number));
    this.chat = new Chat(this.inboxes, () => this.leaveThread());
    this.runs = new Runs(find("runs"), this.inboxes, head.name);
    this.list = new LongList(find("thread-list"), {
      height: 76,
      draw: (element, index) => this.drawThread(element, index),
      choose: (index) => this.goTo(this.placeAt(index)),
    });
    find("made").textContent = "as of " + told(BRIEF, head.made);
    find("zone").textContent = Intl.DateTimeFormat().resolvedOptions().timeZone || "as your system says";
    this.listen();
  }

  // -- the list of threads ---------------------------------------------------------------------------------------

  placeAt(index) {
    return this.places ? this.places[index] : index;
  }

  get shownCount() {
    return this.places ? this.places.length : this.inboxes.threads;
  }

  /** Unpack the thread list: the newest at once, the rest as the file is read. */
  async readThreads() {
    let name = "t0";
    while (isWhole(find("data-" + name))) {
      const rows = await block(name);
      find("data-" + name).remove();
      for (const row of rows) threads.push(row);
      this.blocksRead += 1;
      name = "t" + this.blocksRead;
      if (this.blocksRead === 1) this.showThreads();
      else this.list.drawSoon();
      if (this.blocksRead % 8 === 0) await new Promise((go) => setTimeout(go));
    }
  }

  /** Everything has been read: the file is all there. */
  async finish() {
    await this.readThreads();
    this.complete = true;
    this.blockCount = threads.reduce((most, row) => Math.max(most, row[LAST] === null ? -1 : row[LAST]), -1) + 1;
    document.documentElement.dataset.whole = String(Math.round(performance.now()));
    document.documentElement.dataset.ready = "all";
    if (this.inbox >= 0 || find("search").value) this.refresh();
    else this.list.redraw();
    this.route();
  }

  showThreads({ keepPlace = false } = {}) {
    const chosen = this.inbox < 0 ? null : this.inboxes.rows[this.inbox];
    find("chosen").textContent = "";
    find("chosen").append(chosen ? isolated(pageName(chosen)) : "All Inboxes");
    find("choose-inbox").textContent = "";
    find("choose-inbox").append(chosen ? platformDot(chosen) : make("span", "dot all"), chosen ? isolated(pageName(chosen)) : "All Inboxes", make("span", "small", chosen ? platformName(chosen) : ""));
    const failure = find("failure");
    failure.textContent = "";
    failure.hidden = !chosen || !(chosen[STATE] === "failed" || chosen[ERROR]);
    if (!failure.hidden) failure.append(make("b", "", "This Inbox failed"), failureOf(chosen[ERROR], chosen[NEXT_STEP]));
    const current = this.chat.place;
    this.list.chosen = this.list.active = this.places ? this.places.indexOf(current) : current;
    this.list.show(this.shownCount, { keepPlace });
    this.tellStatus();
    this.tellEmpty();
    document.documentElement.dataset.shown ??= String(Math.round(performance.now()));
  }

  tellStatus() {
    const status = find("status");
    const count = counted(this.shownCount, "thread", "threads");
    const whole = !this.search || this.search.done;
    if (!this.search) status.textContent = count + " · " + counted(this.messageCount(), "message", "messages") + this.synced();
    else status.textContent = whole ? count + " found" : count + " found · reading messages, " + Math.round(this.search.share * 100) + " %";
  }

  /** When the chosen Inbox was last read. */
  synced() {
    const moment = this.inbox < 0 ? null : this.inboxes.rows[this.inbox][SYNCED];
    return moment === null ? "" : " · synced " + told(BRIEF, moment);
  }

  messageCount() {
    return this.inbox < 0 ? this.inboxes.messages : this.inboxes.rows[this.inbox][MESSAGES];
  }

  tellEmpty() {
    const empty = find("no-threads");
    empty.hidden = this.shownCount > 0;
    find("thread-list").hidden = this.shownCount === 0;
    if (this.shownCount) return;
    let words = "This Inbox has no threads.";
    if (this.search) words = this.search.done ? "Nothing found." : "Reading messages …";
    else if (!this.inboxes.rows.length) words = "This database holds no Inboxes yet: a sync fills it.";
    else if (this.inbox < 0) words = "There are no threads in this database yet.";
    else if (this.inboxes.rows[this.inbox][STATE] !== "complete") words = "No threads of this Inbox have been read yet.";
    empty.textContent = words;
  }

  drawThread(element, index) {
    const place = this.placeAt(index);
    const row = threads[place];
    element.classList.add("thread");
    if (!row) {
      element.append(make("span", "avatar waiting"), make("div", "words", make("span", "small", "…")));
      return;
    }
    const inbox = this.inboxes.rows[row[INBOX]];
    const title = titleOf(row);
    const words = this.search ? this.search.words : [];
    const hit = this.search ? this.search.hits.get(place) : null;
    const name = make("b", "name", title ? isolated(title, words) : "Nobody named");
    const time = make("time", "small", when(row[TIME], now));
    time.title = told(MOMENT, row[TIME]);
    const snippet = make("span", "snippet", this.preview(row, hit, words));
    const under = make("div", "line", snippet);
    if (row[FLAGS] & GONE) under.append(make("span", "badge", "gone"));
    else if (row[FLAGS] & UNAVAILABLE) under.append(make("span", "badge", "unavailable"));
    else if (row[UNREAD]) {
      const unread = make("span", "badge unread", NUMBER.format(row[UNREAD]));
      unread.title = counted(row[UNREAD], "unread message", "unread messages");
      under.append(unread);
    }
    element.classList.toggle("fresh", row[UNREAD] > 0);
    const lines = make("div", "words", make("div", "line", name, time), under);
    if (this.inbox < 0) lines.append(make("span", "small where", isolated(pageName(inbox))));
    element.append(avatar(title, inbox), lines);
  }

  preview(row, hit, words) {
    if (hit) return isolated(excerpt(hit[TEXT], words), words);
    if (row[SNIPPET]) return isolated(row[SNIPPET].slice(0, 200), words);
    if (row[FLAGS] & UNAVAILABLE) return "Meta cannot show this thread";
    return row[HELD] ? counted(row[HELD], "message", "messages") : "No text";
  }

  // -- choosing --------------------------------------------------------------------------------------------------

  chooseInbox(number) {
    this.inbox = number;
    this.closeSide();
    this.refresh();
  }

  /** The list anew, after another Inbox or other words were asked for. */
  refresh() {
    if (this.search) this.search.stopped = true;
    const text = find("search").value;
    this.search = wordsOf(text).length ? new Search(text, this.inbox) : null;
    if (!this.complete && (this.search || this.inbox >= 0)) {
      find("status").textContent = "Reading the file …";
      return; // `finish` comes back here
    }
    if (this.search) {
      const search = this.search;
      search.people();
      this.places = search.places;
      search.messages(this.blockCount, () => {
        if (this.search !== search) return;
        this.places = search.places;
        this.showThreads({ keepPlace: true });
      });
    } else if (this.inbox >= 0) {
      this.places = [];
      threads.forEach((row, place) => row[INBOX] === this.inbox && this.places.push(place));
    } else this.places = null;
    this.showThreads();
  }

  goTo(place) {
    const wanted = "#thread-" + place;
    if (location.hash === wanted) this.route();
    else if (wide.matches && /^#thread-/.test(location.hash)) {
      // Walking through the list leaves no trail: back leads out of it.
      history.replaceState(null, "", wanted);
      this.route();
    } else {
      this.cameFromList = true;
      location.hash = wanted;
    }
  }

  /** Back to the list: by the way one came, and never out of the page. */
  leaveThread() {
    const back = this.cameFromList;
    this.cameFromList = false;
    if (back) history.back();
    else location.hash = "";
  }

  /** Show what the address says. */
  route() {
    const onRuns = location.hash === "#runs";
    const place = /^#thread-(\d+)$/.exec(location.hash);
    find("conversations").hidden = onRuns;
    find("runs").hidden = !onRuns;
    for (const [id, current] of [["tab-runs", onRuns], ["tab-threads", !onRuns]]) {
      if (current) find(id).setAttribute("aria-current", "page");
      else find(id).removeAttribute("aria-current");
    }
    if (onRuns) {
      if (this.complete) this.runs.open();
      return;
    }
    const known = place && threads[Number(place[1])];
    document.body.classList.toggle("reading", Boolean(known));
    if (known) {
      const number = Number(place[1]);
      if (this.chat.place !== number || this.search) this.chat.open(number, this.search);
      const index = this.places ? this.places.indexOf(number) : number;
      this.list.chosen = index;
      if (index >= 0) this.list.activate(index);
      if (!wide.matches) find("log").focus({ preventScroll: true });
    } else if (!place || this.complete) {
      const was = this.list.chosen;
      this.chat.close();
      this.list.chosen = -1;
      this.list.drawNow();
      this.list.mark();
      if (was >= 0) find("thread-list").focus({ preventScroll: true });
    }
  }

  openSide() {
    document.body.classList.add("choosing");
    find("choose-inbox").setAttribute("aria-expanded", "true");
    this.inboxes.list.redraw();
    find("inbox-list").focus();
  }

  closeSide() {
    const open = document.body.classList.contains("choosing");
    document.body.classList.remove("choosing");
    find("choose-inbox").setAttribute("aria-expanded", "false");
    if (open) find("choose-inbox").focus();
    return open;
  }

  // -- keys ------------------------------------------------------------------------------------------------------

  listen() {
    let soon = 0;
    find("search").addEventListener("input", () => {
      clearTimeout(soon);
      soon = setTimeout(() => this.refresh(), 150);
    });
    find("choose-inbox").addEventListener("click", () => this.openSide());
    find("close-side").addEventListener("click", () => this.closeSide());
    find("ask-help").addEventListener("click", () => find("help").showModal());
    find("theme").addEventListener("click", () => nextTheme());
    addEventListener("hashchange", () => this.route());
    addEventListener("keydown", (event) => this.key(event));
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || find("help").open) return;
    const typing = event.target.closest("input");
    const done = event.key === "Escape" ? this.escape(typing) : typing ? this.keyInSearch(event, typing) : this.keyOutside(event);
    if (done) event.preventDefault();
  }

  escape(typing) {
    if (this.closeSide()) return true;
    if (typing) {
      if (typing.value) {
        typing.value = "";
        typing.dispatchEvent(new Event("input"));
      } else find(typing.id === "search" ? "thread-list" : "inbox-list").focus();
      return true;
    }
    if (location.hash === "#runs") location.hash = "";
    else if (this.chat.place >= 0 && document.activeElement !== find("thread-list")) {
      if (wide.matches) find("thread-list").focus();
      else this.leaveThread();
    } else if (this.chat.place >= 0) this.leaveThread();
    else if (this.search) {
      find("search").value = "";
      this.refresh();
    } else return false;
    return true;
  }

  keyInSearch(event, typing) {
    if (event.key !== "ArrowDown" && event.key !== "Enter") return false;
    const list = typing.id === "search" ? this.list : this.inboxes.list;
    list.box.focus();
    if (list.count) list.activate(Math.max(0, list.active));
    if (event.key === "Enter") list.pick(list.active);
    return true;
  }

  keyOutside(event) {
    const act = {
      "/": () => (location.hash === "#runs" ? null : find("search").select() || find("search").focus()),
      "?": () => find("help").showModal(),
      g: () => (location.hash = location.hash === "#runs" ? "" : "#runs"),
      t: () => nextTheme(),
      i: () => (wide.matches ? find("inbox-list").focus() : this.openSide()),
    }[event.key];
    if (act) {
      act();
      return true;
    }
    if (location.hash === "#runs" || event.target.closest("button, a, summary")) return false;
    const within = event.target.closest(".list, .log");
    if (within === find("inbox-list")) return this.keyInList(this.inboxes.list, event.key);
    // A chat is scrolled by its arrow keys; letters move through the threads from everywhere.
    if (within === find("log") && event.key !== "j" && event.key !== "k") return false;
    return this.keyInList(this.list, event.key);
  }

  keyInList(list, key) {
    if (key === "Enter" || key === " ") {
      if (list.active < 0) return false;
      list.pick(list.active);
      if (list === this.list) find("log").focus({ preventScroll: true });
      return true;
    }
    if (!list.key(key)) return false;
    // Beside the list there is room to read along.
    if (list === this.list && wide.matches) {
      clearTimeout(this.soon);
      this.soon = setTimeout(() => list.pick(list.active), 90);
    }
    return true;
  }
}
