// What the tests ask of a page: there before anything of the page runs.

window.probe = {
  violations: [],

  /** The middle of an element, brought into sight. */
  middleOf(selector) {
    const found = document.querySelector(selector);
    found.scrollIntoView({ block: "nearest" });
    const box = found.getBoundingClientRect();
    return [box.x + box.width / 2, box.y + box.height / 2];
  },

  scrollTo(id, share) {
    const list = document.getElementById(id);
    list.scrollTop = list.scrollHeight * share;
  },

  inSight(selector) {
    const box = document.querySelector(selector).getBoundingClientRect();
    return box.top > 0 && box.bottom < innerHeight;
  },

  /** Hours and minutes of the groups of messages. */
  clocks() {
    return [...document.querySelectorAll(".by time")].map((each) => each.innerText.match(/\d+:\d+/)[0].padStart(5, "0"));
  },

  /** Numbers at the end of the snippets that are drawn. */
  numbers() {
    const drawn = document.querySelectorAll("#thread-list .row:not(:has(.waiting)) .snippet");
    return [...drawn].map((each) => Number(each.innerText.split("no. ")[1]));
  },

  /** How high lines of the first chart are drawn. */
  heights(...selectors) {
    return selectors.map((each) => Number(document.querySelector(".chart " + each).getAttribute("y1")));
  },

  /** Whether one sees where the focus is: a ring round it, or round the active row in it. */
  ringed() {
    const style = getComputedStyle(document.activeElement);
    const row = document.activeElement.querySelector(".active");
    const rowIsRinged = row && getComputedStyle(row).boxShadow !== "none";
    return (style.outlineStyle !== "none" && style.outlineWidth !== "0px") || Boolean(rowIsRinged);
  },

  /** What can be used and has no name for those who hear the page. */
  unnamed() {
    const all = [...document.querySelectorAll("button, input, a, [role=listbox], section")];
    return all.filter((each) => !(each.ariaLabel || each.textContent).trim()).map((each) => each.outerHTML.slice(0, 80));
  },

  /** Texts whose contrast with the ground below them is under 4.5, as WCAG counts it. */
  tooFaint() {
    const parts = (color) => {
      const found = color.match(/[\d.]+/g).map(Number);
      return found.length < 4 ? [...found, 1] : found;
    };
    const level = (color) => {
      const [red, green, blue] = color.slice(0, 3).map((each) => {
        const share = each / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const ground = (element) => {
      for (let each = element; each; each = each.parentElement) {
        const color = parts(getComputedStyle(each).backgroundColor);
        if (color[3] === 1) return color;
      }
      return [255, 255, 255, 1];
    };
    const faint = [];
    for (const element of document.querySelectorAll("body *")) {
      const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
      if (!own || !element.getClientRects().length || element.closest("script, noscript")) continue;
      const style = getComputedStyle(element);
      const color = parts(element instanceof SVGElement ? style.fill : style.color);
      const [one, other] = [level(color), level(ground(element))];
      const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
      if (contrast < 4.5) faint.push([element.className, element.textContent.slice(0, 30), contrast]);
    }
    return faint;
  },
};

document.addEventListener("securitypolicyviolation", (event) => {
  probe.violations.push(event.violatedDirective + " " + event.blockedURI);
});
