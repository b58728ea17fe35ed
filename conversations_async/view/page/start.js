// Light and dark, and the start of everything.

const THEMES = ["auto", "light", "dark"];

function showTheme(name) {
  document.documentElement.dataset.theme = name;
  find("theme-name").textContent = { auto: "Auto", light: "Light", dark: "Dark" }[name];
}

function nextTheme() {
  const name = THEMES[(THEMES.indexOf(document.documentElement.dataset.theme) + 1) % THEMES.length];
  showTheme(name);
  try {
    localStorage.setItem("conversations-async theme", name);
  } catch {
    // A browser may keep nothing for files: then the choice lasts as long as the page.
  }
}

function keptTheme() {
  try {
    const name = localStorage.getItem("conversations-async theme");
    return THEMES.includes(name) ? name : "auto";
  } catch {
    return "auto";
  }
}

function trouble(words) {
  find("trouble").textContent = words;
  find("trouble").hidden = false;
}

async function start() {
  showTheme(keptTheme());
  if (typeof DecompressionStream === "undefined") {
    trouble("This browser is too old to unpack the page's data. Firefox 113, Chrome 103, Safari 16.4 or newer can.");
    return;
  }
  const whole = new Promise((go) => {
    if (document.readyState === "loading") addEventListener("DOMContentLoaded", go, { once: true });
    else go();
  });
  const app = new App(await block("head"));
  await app.readThreads();
  if (!app.blocksRead) app.showThreads();
  app.route();
  await whole;
  await app.finish();
}

start().catch((error) => {
  trouble("The data of this page cannot be read (" + error.name + "): make it anew with the view command.");
  throw error;
});
