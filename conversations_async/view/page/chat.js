// One thread as a chat: the Page's side on the right, everybody else on the left, newest at the bottom.

const DRAWN_AT_ONCE = 120;
const CLIPPED_AT = 3000;
const PIECE = 4000;
const TOGETHER = 300; // seconds within which messages of one side belong together

const KINDS = {
  image: "Image", video: "Video", audio: "Audio", file: "File", share: "Shared", story: "Story", sticker: "Sticker",
  template: "Card", reaction: "Reaction", product: "Product", story_mention: "Mention in a story", story_reply: "Reply to a story",
};

class Chat {
  constructor(inboxes, leave) {
    this.inboxes = inboxes;
    this.leave = leave;
    this.head = document.getElementById("chat-head");
    this.log = document.getElementById("log");
    this.none = document.getElementById("no-chat");
    this.place = -1;
    this.asked = 0;
  }

  close() {
    this.place = -1;
    this.asked += 1;
    this.head.hidden = this.log.hidden = true;
    this.none.hidden = false;
  }

  /** Show a thread; with a search, the message that was found. */
  async open(place, search) {
    const asked = (this.asked += 1);
    this.place = place;
    this.words = search ? search.words : [];
    this.drawHead(place);
    this.head.hidden = this.log.hidden = false;
    this.none.hidden = true;
    const messages = await messagesOf(place);
    if (asked !== this.asked) return;
    this.messages = messages;
    const hit = search ? search.hits.get(place) : null;
    // The message was found in another unpacking of its block: equal, and not the same.
    const at = hit ? messages.findLastIndex((message) => message[SENT] === hit[SENT] && message[TEXT] === hit[TEXT]) : -1;
    this.to = at < 0 ? messages.length : Math.min(messages.length, at + DRAWN_AT_ONCE / 2);
    this.from = Math.max(0, this.to - DRAWN_AT_ONCE);
    this.drawLog();
    const found = at < 0 ? null : this.log.querySelector('[data-at="' + at + '"]');
    if (found) {
      found.classList.add("found");
      found.scrollIntoView({ block: "center" });
    } else this.log.scrollTop = this.log.scrollHeight;
  }

  drawHead(place) {
    const row = threads[place];
    const inbox = this.inboxes.rows[row[INBOX]];
    const title = titleOf(row);
    const back = button("quiet back", "", () => this.leave());
    back.setAttribute("aria-label", "Back to the threads");
    back.append(arrow());
    const name = make("h2", "", title ? isolated(title) : "Nobody named");
    const sub = make("p", "small", isolated(pageName(inbox)), " on " + platformName(inbox) + " · " + this.howMany(row));
    this.head.textContent = "";
    this.head.append(back, avatar(title, inbox), make("div", "words", name, sub), this.about(row, inbox));
    const states = statesOf(row);
    if (states.length) this.head.append(make("p", "states", ...states.map((words) => make("span", "", words))));
  }

  howMany(row) {
    const held = counted(row[HELD], "message", "messages");
    if (!row[HELD] && row[COUNT] === null) return "no messages kept";
    return row[COUNT] > row[HELD] ? held + " kept of " + NUMBER.format(row[COUNT]) : held;
  }

  /** What else is known of the thread, behind a button. */
  about(row, inbox) {
    const more = row[MORE] || [];
    const list = make("dl", "");
    const add = (name, ...value) => list.append(make("div", "", make("dt", "", name), make("dd", "", ...value)));
    add("Thread", isolated(row[ID]));
    add("Page", isolated(inbox[PAGE_ID]));
    if (row[TIME] !== null) add("Last change", told(MOMENT, row[TIME]));
    for (const [person, username] of row[PEOPLE]) {
      add("With", isolated(person || username), username && person ? isolated(" @" + username) : null);
    }
    if (more[0]) add("Folder", isolated(more[0]));
    if (more[2]) add("Subject", isolated(more[2]));
    const address = more[3] ? facebookAddress(more[3]) : null;
    if (address) add("At Meta", link(address, "open in the Page's inbox"));
    const details = make("details", "about", make("summary", "quiet", "About"), list);
    details.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !details.open) return;
      details.open = false;
      event.stopPropagation();
    });
    return details;
  }

  drawLog() {
    const log = this.log;
    log.textContent = "";
    const row = threads[this.place];
    if (!this.messages.length) {
      // Of Instagram's threads Meta tells no count: nothing kept does not mean that there is nothing.
      const unread = row[COUNT] !== 0;
      log.append(make("p", "nothing", unread ? "No messages were kept of this thread: the sync read its summary only." : "This thread has no messages."));
      if (unread) log.append(make("p", "nothing", "Messages come with ", make("code", "", "sync --messages all"), "."));
      if (row[SNIPPET]) log.append(make("p", "nothing", "Its last words: ", isolated(row[SNIPPET])));
      return;
    }
    if (this.from > 0) log.append(this.further("Earlier messages", this.from, () => this.earlier()));
    this.append(log, this.from, this.to);
    const after = this.messages.length - this.to;
    if (after > 0) log.append(this.further("Later messages", after, () => this.later()));
  }

  further(words, count, act) {
    return button("further", words + " (" + NUMBER.format(count) + ")", act);
  }

  earlier() {
    const before = this.log.scrollHeight - this.log.scrollTop;
    this.from = Math.max(0, this.from - DRAWN_AT_ONCE);
    this.drawLog();
    this.log.scrollTop = this.log.scrollHeight - before;
    this.log.focus({ preventScroll: true });
  }

  later() {
    const top = this.log.scrollTop;
    this.to = Math.min(this.messages.length, this.to + DRAWN_AT_ONCE);
    this.drawLog();
    this.log.scrollTop = top;
    this.log.focus({ preventScroll: true });
  }

  /** Messages of one side that follow each other closely become one group with one time. */
  append(log, from, to) {
    let day = "";
    let group = null;
    let before = null;
    for (let at = from; at < to; at += 1) {
      const message = this.messages[at];
      const date = message[SENT] === null ? "" : dateOf(message[SENT]).toDateString();
      if (date && date !== day) {
        day = date;
        group = null;
        const separator = make("div", "day", make("span", "", told(DAY, message[SENT])));
        separator.setAttribute("role", "separator");
        log.append(separator);
      }
      const near = before && message[SENT] - before[SENT] < TOGETHER;
      if (!group || !near || before[WHO] !== message[WHO]) {
        group = this.group(message);
        log.append(group);
      }
      group.append(this.bubble(message, at));
      before = message;
    }
  }

  group(message) {
    const own = message[WHO] === 1;
    const group = make("div", "group " + (own ? "own" : message[WHO] === 0 ? "nobody" : "other"));
    const inbox = this.inboxes.rows[threads[this.place][INBOX]];
    const who = own ? isolated(pageName(inbox)) : message[WHO] ? isolated(message[WHO]) : "Sender not told";
    const time = make("time", "", message[SENT] === null ? "time not told" : CLOCK.format(dateOf(message[SENT])));
    if (message[SENT] !== null) time.title = told(MOMENT, message[SENT]);
    group.append(make("p", "by", make("span", "who", who), time));
    return group;
  }

  bubble(message, at) {
    const more = message[EXTRAS] || {};
    const box = make("div", "bubble");
    box.dataset.at = at;
    if (message[SENT] !== null) box.title = told(MOMENT, message[SENT]);
    if (more.r !== undefined) box.append(this.quoted(more.r));
    if (message[TEXT]) box.append(this.text(message[TEXT]));
    for (const carried of more.a || []) box.append(attachment(...carried));
    if (more.s) box.append(attachment("sticker", null, null, null, more.s));
    const state = stateOfMessage(message, more);
    if (state) {
      box.append(make("p", "state", state));
      if (!message[TEXT]) box.classList.add("bare");
    }
    return box;
  }

  /** The message that was answered, in short. */
  quoted(at) {
    const answered = at >= 0 ? this.messages[at] : null;
    const words = answered && answered[TEXT];
    return make("p", "quoted", "In reply to ", words ? isolated(words.slice(0, 120)) : "an earlier message");
  }

  text(whole) {
    if (whole.length <= CLIPPED_AT + 200) return textBlock(whole, this.words);
    // No half of a character at the cut.
    const box = textBlock(whole.slice(0, CLIPPED_AT).replace(/[\ud800-\udbff]$/, "") + "…", this.words);
    const show = button("further", "Show all " + NUMBER.format(whole.length) + " characters", () => {
      const all = make("div", "long", ...piecesOf(whole).map((piece) => textBlock(piece, this.words)));
      all.tabIndex = -1;
      box.replaceWith(all);
      show.remove();
      all.focus({ preventScroll: true });
    });
    return make("div", "", box, show);
  }
}

function textBlock(text, words) {
  const box = make("div", "text");
  box.dir = "auto";
  return putText(box, text, words);
}

/** A very long text in pieces that a browser lays out only where they are seen: a megabyte at once takes it a minute. */
function piecesOf(text) {
  const pieces = [];
  let at = 0;
  while (at < text.length) {
    let end = Math.min(text.length, at + PIECE);
    if (end < text.length) {
      const line = text.lastIndexOf("\n", end);
      const space = text.lastIndexOf(" ", end);
      if (line > at + PIECE / 2) end = line + 1;
      else if (space > at + PIECE / 2) end = space + 1;
      else if (/[\ud800-\udbff]/.test(text[end - 1])) end -= 1;
    }
    pieces.push(text.slice(at, end));
    at = end;
  }
  return pieces;
}

function arrow() {
  const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  icon.setAttribute("viewBox", "0 0 20 20");
  icon.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", "M12.7 3.3 6 10l6.7 6.7 1.2-1.2L8.4 10l5.5-5.5z");
  icon.append(path);
  return icon;
}

const SEGMENTS = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** A round with somebody's first letter, its colour always the same for the same name. */
function avatar(title, inbox) {
  let sum = 0;
  for (let at = 0; at < Math.min(title.length, 40); at += 1) sum = (sum * 31 + title.charCodeAt(at)) >>> 0;
  const letter = /[\p{L}\p{N}\p{Extended_Pictographic}]/u.exec(title.slice(0, 200));
  const first = letter ? [...SEGMENTS.segment(title.slice(letter.index, letter.index + 40))][0].segment.slice(0, 12) : "?";
  const box = make("span", "avatar tone" + (sum % 6), first.toUpperCase(), platformDot(inbox));
  box.setAttribute("aria-hidden", "true");
  return box;
}

/** What is unusual about a thread, in words. */
function statesOf(row) {
  const states = [];
  if (row[FLAGS] & GONE) {
    const at = row[MORE] ? row[MORE][4] : null;
    states.push("No longer listed by Meta" + (at ? " since " + told(BRIEF, at) : "") + "; kept here.");
  }
  if (row[FLAGS] & UNAVAILABLE) states.push("Meta cannot show this thread.");
  if (row[FLAGS] & NO_REPLY) states.push("The Page cannot reply any more.");
  return states;
}

function stateOfMessage(message, more) {
  if (more.x) return "Meta gives no details of this message (any more). It need not be deleted.";
  if (more.u) return "Meta's API cannot show what was sent here.";
  if (!message[TEXT] && !more.a && !more.s) return "A message without text.";
  return "";
}

function attachment(kind, name, mime, size, url) {
  const what = KINDS[kind] || kind || "Attachment";
  const facts = [name ? what : null, mime, size ? bytes(size) : null].filter(Boolean).join(" · ");
  const label = name ? isolated(name) : make("span", "", what);
  const address = url ? webAddress(url) : null;
  const box = make("div", "attachment");
  box.append(make("span", "clip"), make("div", "words", address ? link(address, label) : label, make("span", "small", isolated(facts))));
  if (!address) box.querySelector(".small").append(make("span", "", (facts ? " · " : "") + (url ? "link left out: not a web address" : "no link told")));
  return box;
}

/** Meta tells links of threads without the host. */
function facebookAddress(path) {
  try {
    const url = new URL(path, "https://www.facebook.com");
    const known = /(^|\.)(facebook|instagram|messenger)\.com$/.test(url.hostname);
    return url.protocol === "https:" && known ? url.href : null;
  } catch {
    return null;
  }
}
