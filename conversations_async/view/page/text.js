// People's text only ever becomes text nodes, each isolated in its direction. What would turn or hide text is shown.

const CONTROLS =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u0084\u0086-\u009f\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
const ALL_CONTROLS = new RegExp(CONTROLS, "g");
const LINE_ENDS = /\r\n?|[\u0085\u2028\u2029]/g;
const CONTROL_NAMES = {
  0x202a: "LRE", 0x202b: "RLE", 0x202c: "PDF", 0x202d: "LRO", 0x202e: "RLO",
  0x2066: "LRI", 0x2067: "RLI", 0x2068: "FSI", 0x2069: "PDI", 0xfeff: "BOM",
};

/** An element of ours: strings among the children become text nodes. */
function make(tag, names, ...children) {
  const element = document.createElement(tag);
  if (names) element.className = names;
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** A button that does something. */
function button(names, text, act) {
  const element = make("button", names, text);
  element.type = "button";
  element.addEventListener("click", act);
  return element;
}

function controlMark(character) {
  const code = character.charCodeAt(0);
  const lone = code >= 0xd800 && code <= 0xdfff;
  const number = "U+" + code.toString(16).toUpperCase().padStart(4, "0");
  const mark = make("span", "control", lone ? "\ufffd" : CONTROL_NAMES[code] || number);
  mark.title = lone ? "half of a character (" + number + ")" : "control character " + number;
  return mark;
}

/** Put people's text into an element, words found by the search marked. */
function putText(element, text, words) {
  element.textContent = "";
  let plain = String(text).replace(LINE_ENDS, "\n");
  let at = 0;
  if (CONTROLS.test(plain)) {
    for (const found of plain.matchAll(ALL_CONTROLS)) {
      putMarked(element, plain.slice(at, found.index), words);
      element.append(controlMark(found[0]));
      at = found.index + found[0].length;
    }
  }
  putMarked(element, plain.slice(at), words);
  return element;
}

function putMarked(element, text, words) {
  if (!text) return;
  const lower = words && words.length ? text.toLowerCase() : "";
  if (lower.length !== text.length) {
    element.append(text);
    return;
  }
  let at = 0;
  for (;;) {
    let next = -1;
    let length = 0;
    for (const word of words) {
      const place = lower.indexOf(word, at);
      if (place >= 0 && (next < 0 || place < next)) [next, length] = [place, word.length];
    }
    if (next < 0) break;
    element.append(text.slice(at, next), make("mark", "", text.slice(next, next + length)));
    at = next + length;
  }
  element.append(text.slice(at));
}

/** People's text on one line: isolated, its direction its own. */
function isolated(text, words) {
  return putText(make("bdi", ""), text, words);
}

/** Text as the search compares it: small letters, no accents. */
function fold(text) {
  const lower = text.toLowerCase();
  return /^[\x00-\x7f]*$/.test(lower) ? lower : lower.normalize("NFKD").replace(/\p{M}+/gu, "");
}

/** The address if a person may be sent there: http and https only. */
function webAddress(text) {
  try {
    const url = new URL(text);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}

/** A link that opens elsewhere, tells nothing of this page and gets no hold of it. */
function link(href, ...children) {
  const anchor = make("a", "", ...children);
  anchor.href = href;
  anchor.target = "_blank";
  anchor.rel = "noopener noreferrer";
  return anchor;
}

const NUMBER = new Intl.NumberFormat();
const counted = (number, one, many) => NUMBER.format(number) + " " + (number === 1 ? one : many);

const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const SHORT_DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const NUMBERS = new Intl.DateTimeFormat(undefined, { day: "2-digit", month: "2-digit", year: "numeric" });
const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const BRIEF = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

const dateOf = (seconds) => new Date(seconds * 1000);
const told = (format, seconds) => (seconds === null || seconds === undefined ? "" : format.format(dateOf(seconds)));

/** A moment as short as its distance allows. */
function when(seconds, now) {
  if (seconds === null || seconds === undefined) return "";
  const date = dateOf(seconds);
  if (date.toDateString() === now.toDateString()) return CLOCK.format(date);
  return (date.getFullYear() === now.getFullYear() ? SHORT_DAY : NUMBERS).format(date);
}

/** Seconds in words: "3 min 20 s". */
function span(seconds) {
  const whole = Math.round(seconds);
  if (whole < 60) return (seconds < 10 ? Math.round(seconds * 10) / 10 : whole) + " s";
  if (whole < 3600) return Math.floor(whole / 60) + " min " + (whole % 60) + " s";
  return NUMBER.format(Math.floor(whole / 3600)) + " h " + Math.floor((whole % 3600) / 60) + " min";
}

const BYTES = ["bytes", "kB", "MB", "GB", "TB"];
function bytes(count) {
  let power = 0;
  while (count >= 1000 && power < BYTES.length - 1) {
    count /= 1000;
    power += 1;
  }
  return (power && count < 10 ? count.toFixed(1) : Math.round(count)) + " " + BYTES[power];
}
