// The Inboxes: a column beside the threads, or on a phone a sheet over them.

// An Inbox's row, by place.
const PAGE_ID = 0, PLATFORM = 1, PAGE_NAME = 2, STATE = 3, ERROR = 4, NEXT_STEP = 5, SYNCED = 6;
const THREADS = 7, MESSAGES = 8, UNREAD_IN = 9;

const PLATFORM_NAMES = { messenger: "Messenger", instagram: "Instagram" };
const STATE_WORDS = { new: "not read yet", listing: "partly read", complete: "", failed: "failed" };

const platformName = (inbox) => PLATFORM_NAMES[inbox[PLATFORM]] || inbox[PLATFORM];
const pageName = (inbox) => inbox[PAGE_NAME] || "Page " + inbox[PAGE_ID];

/** The mark of a platform: a dot, with its name for those who hear. */
function platformDot(inbox) {
  return make("span", "dot " + (inbox[PLATFORM] === "instagram" ? "instagram" : "messenger"));
}

/** What failed and what to do, as Meta and the sync said it. */
function failureOf(cause, step) {
  const box = make("div", "why");
  box.append(make("p", "", isolated(cause || "The Inbox failed; no cause was kept.")));
  if (step) box.append(make("p", "step", make("b", "", "Next step: "), isolated(step)));
  return box;
}

class Inboxes {
  /** *choose* hears the number of an Inbox, or -1 for all of them. */
  constructor(rows, choose) {
    this.rows = rows;
    this.shown = [];
    this.chosen = -1;
    this.failed = rows.filter((row) => row[STATE] === "failed").length;
    const total = (place) => rows.reduce((sum, row) => sum + row[place], 0);
    this.threads = total(THREADS);
    this.messages = total(MESSAGES);
    this.find = document.getElementById("find-inbox");
    this.only = document.getElementById("only-failed");
    this.list = new LongList(document.getElementById("inbox-list"), {
      height: 60,
      draw: (element, place) => this.draw(element, place),
      choose: (place) => {
        this.chosen = this.shown[place];
        choose(this.chosen);
      },
    });
    document.getElementById("find-inbox-box").hidden = rows.length < 12;
    this.only.hidden = !this.failed;
    this.only.textContent = NUMBER.format(this.failed) + " failed";
    this.only.title = "Show only the Inboxes that failed";
    this.find.addEventListener("input", () => this.filter());
    this.only.addEventListener("click", () => {
      this.only.setAttribute("aria-pressed", this.only.getAttribute("aria-pressed") !== "true");
      this.filter();
    });
    this.filter();
  }

  filter() {
    const words = wordsOf(this.find.value);
    const failing = this.only.getAttribute("aria-pressed") === "true";
    const every = this.rows.map((row, number) => number);
    const found = every.filter((number) => {
      const row = this.rows[number];
      if (failing && row[STATE] !== "failed") return false;
      const text = fold(pageName(row) + "\n" + row[PAGE_ID] + "\n" + platformName(row));
      return words.every((word) => text.includes(word));
    });
    this.shown = words.length || failing ? found : [-1, ...found];
    this.list.chosen = this.list.active = this.shown.indexOf(this.chosen);
    this.list.show(this.shown.length);
  }

  draw(element, place) {
    const number = this.shown[place];
    element.classList.add("inbox");
    if (number < 0) {
      const what = counted(this.threads, "thread", "threads") + " · " + counted(this.rows.length, "Inbox", "Inboxes");
      element.append(make("span", "dot all"), make("div", "words", make("b", "", "All Inboxes"), make("span", "small", what)));
      return;
    }
    const inbox = this.rows[number];
    const state = STATE_WORDS[inbox[STATE]] ?? inbox[STATE];
    const what = platformName(inbox) + " · " + counted(inbox[THREADS], "thread", "threads");
    element.append(platformDot(inbox), make("div", "words", make("b", "", isolated(pageName(inbox))), make("span", "small", what)));
    if (state) element.append(make("span", inbox[STATE] === "failed" ? "badge bad" : "badge", state));
    else if (inbox[UNREAD_IN]) {
      const unread = make("span", "badge unread", NUMBER.format(inbox[UNREAD_IN]));
      unread.title = counted(inbox[UNREAD_IN], "unread message", "unread messages");
      element.append(unread);
    }
  }
}
