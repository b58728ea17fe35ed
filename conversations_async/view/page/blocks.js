// Blocks of data in this file: JSON, deflated, in base64. Unpacked when needed, and kept while they are used.

const KEPT_BLOCKS = 24;
const keptBlocks = new Map();

function fromBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const letters = atob(text);
  const data = new Uint8Array(letters.length);
  for (let at = 0; at < letters.length; at += 1) data[at] = letters.charCodeAt(at);
  return data;
}

/** The JSON text of a block; null where there is none. */
async function blockText(name) {
  const element = document.getElementById("data-" + name);
  if (!element) return null;
  const stream = new Blob([fromBase64(element.textContent)]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Response(stream).text();
}

async function block(name) {
  const text = await blockText(name);
  return text === null ? null : JSON.parse(text);
}

/** The messages of a block by their thread's place in the list. */
async function messageBlock(number) {
  let found = keptBlocks.get(number);
  keptBlocks.delete(number);
  if (!found) found = new Map(await block("m" + number));
  keptBlocks.set(number, found);
  if (keptBlocks.size > KEPT_BLOCKS) keptBlocks.delete(keptBlocks.keys().next().value);
  return found;
}

// A thread's row, by place. What they mean is written in threads.py.
const INBOX = 0, ID = 1, TIME = 2, PEOPLE = 3, SNIPPET = 4, COUNT = 5, UNREAD = 6, FLAGS = 7;
const FIRST = 8, LAST = 9, HELD = 10, MORE = 11;
const UNAVAILABLE = 1, GONE = 2, NO_REPLY = 4;
// A message, by place.
const SENT = 0, WHO = 1, TEXT = 2, EXTRAS = 3;

/** All threads, newest first, as far as they have been unpacked. */
const threads = [];

/** All messages of a thread, oldest first. */
async function messagesOf(place) {
  const row = threads[place];
  if (row[FIRST] === null) return [];
  const parts = [];
  for (let number = row[FIRST]; number <= row[LAST]; number += 1) {
    parts.push((await messageBlock(number)).get(place) || []);
  }
  return parts.length === 1 ? parts[0] : [].concat(...parts);
}

/** What a thread is called: its own name, or its people's. */
function titleOf(row) {
  const more = row[MORE];
  if (more && more[1]) return more[1];
  const names = row[PEOPLE].map(([name, username]) => name || username).filter(Boolean);
  if (!names.length) return "";
  return names.slice(0, 3).join(", ") + (names.length > 3 ? " and " + (names.length - 3) + " more" : "");
}
