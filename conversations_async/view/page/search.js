// Search: first in people and snippets, which are at hand, then through the messages, block by block.

/** The words of a search as they are compared. */
const wordsOf = (text) => fold(text).split(/\s+/).filter(Boolean);

const folded = [];

/** Everything about a thread's people and its snippet, folded once. */
function foldedRow(place) {
  if (folded[place] === undefined) {
    const row = threads[place];
    const names = row[PEOPLE].flat().join("\n");
    const more = row[MORE] ? (row[MORE][1] || "") + "\n" + (row[MORE][2] || "") : "";
    folded[place] = fold(names + "\n" + more + "\n" + row[SNIPPET] + "\n" + row[ID]);
  }
  return folded[place];
}

/** A search under way: `hits` maps threads to the message found in each. */
class Search {
  constructor(text, inbox) {
    this.words = wordsOf(text);
    this.inbox = inbox;
    this.places = [];
    this.hits = new Map();
    this.done = false;
    this.share = 0;
    this.stopped = false;
  }

  covers(place) {
    return this.inbox < 0 || threads[place][INBOX] === this.inbox;
  }

  /** Threads whose people or snippet have all the words. */
  people() {
    const found = [];
    for (let place = 0; place < threads.length; place += 1) {
      if (this.covers(place) && this.words.every((word) => foldedRow(place).includes(word))) found.push(place);
    }
    this.places = found;
  }

  /** Look through all messages; *told* hears now and then that there is more to show. */
  async messages(blockCount, told) {
    const known = new Set(this.places);
    let shown = performance.now();
    for (let number = 0; number < blockCount && !this.stopped; number += 1) {
      const text = await blockText("m" + number);
      if (this.stopped || text === null) break;
      // A block is JSON: a quick look whether the words are in it at all spares reading most blocks.
      const whole = fold(text);
      if (this.words.every((word) => whole.includes(fold(JSON.stringify(word).slice(1, -1))))) {
        this.look(JSON.parse(text), known);
      }
      this.share = (number + 1) / blockCount;
      if (performance.now() - shown > 250) {
        this.settle(known);
        told();
        shown = performance.now();
      }
    }
    this.done = !this.stopped;
    this.settle(known);
    if (!this.stopped) told();
  }

  look(parts, known) {
    for (const [place, messages] of parts) {
      if (this.hits.has(place) || !this.covers(place)) continue;
      // From the newest on: that is the one a reader looks for.
      for (let at = messages.length - 1; at >= 0; at -= 1) {
        const text = messages[at][TEXT];
        if (!text) continue;
        const plain = fold(text);
        if (this.words.every((word) => plain.includes(word))) {
          this.hits.set(place, messages[at]);
          known.add(place);
          break;
        }
      }
    }
  }

  settle(known) {
    if (known.size !== this.places.length) this.places = [...known].sort((one, other) => one - other);
  }
}

/** The part of a text around the first word found. */
function excerpt(text, words) {
  const lower = text.toLowerCase();
  const at = Math.max(0, lower.indexOf(words[0]));
  if (at < 40) return text.slice(0, 200);
  const start = text.lastIndexOf(" ", at - 20);
  return "… " + text.slice(start > at - 60 && start > 0 ? start + 1 : at - 30, at + 160);
}
