// What check_site.py and tools/handouts.py ask of a page from inside it.
window.checks = {
  // Formulas are set and pictures are there: only now is a page worth looking at.
  async settled() {
    document.querySelectorAll("img[loading=lazy]").forEach((image) => { image.loading = "eager"; });
    await Promise.all([...document.images].map((image) => (image.complete ? null
      : new Promise((done) => { image.onload = done; image.onerror = done; }))));
    await document.fonts.ready;
    if (window.MathJax && window.MathJax.startup) {
      await window.MathJax.startup.promise;
    }
  },

  // Open all that is folded, as a reader does, and let the page's own scripts answer.
  async openAll() {
    document.querySelectorAll(".bd-article details").forEach((box) => { box.open = true; });
    document.querySelectorAll(".bd-article button.toggle-button-hidden")
      .forEach((button) => button.click());
    await new Promise((done) => { setTimeout(done, 150); });
  },

  // Faults that only the finished layout shows. A part may be wider than the page inside a box
  // that scrolls by itself; nothing else may.
  layout() {
    const faults = [];
    const article = document.querySelector(".bd-article") || document.body;
    const say = (node) => `<${node.tagName.toLowerCase()} class="${node.getAttribute("class") || ""}"> `
      + (node.textContent || node.getAttribute("alt") || "").trim().slice(0, 50);

    const wide = document.documentElement.scrollWidth;
    if (wide > window.innerWidth) {
      faults.push(`the page scrolls sideways: ${wide} px`);
    }
    const isCut = (node) => {
      for (let box = node.parentElement; box && box !== document.body; box = box.parentElement) {
        if (/auto|scroll/.test(getComputedStyle(box).overflowX)) { return false; }
      }
      return true;
    };
    const parts = "table, img, pre, svg, mjx-container, p, li, h1, h2, h3, figure, details, dt, code";
    for (const node of article.querySelectorAll(parts)) {
      const box = node.getBoundingClientRect();
      if (box.width && !node.closest("mjx-assistive-mml, .visually-hidden")
        && box.right > window.innerWidth + 1 && isCut(node)) {
        faults.push(`sticks out of the page: ${say(node)}`);
      }
    }

    for (const title of document.querySelectorAll(".prev-next-title")) {
      const [text, link] = [title, title.closest("a")].map((node) => node.getBoundingClientRect());
      if (text.right > link.right + 1 || text.left < link.left - 1) {
        faults.push(`cut: ${title.textContent.trim()}`);
      }
    }

    for (const image of document.images) {
      if (!image.complete || !image.naturalWidth) {
        faults.push(`missing image ${image.src.slice(0, 90)}`);
      }
      const alt = (image.getAttribute("alt") || "").trim();
      const isPath = /\.(png|svg|jpe?g)$|^_images|\//.test(alt) && !/\s/.test(alt);
      if (!image.closest("[aria-hidden=true]") && (!alt || isPath)) {
        faults.push(`image without alt text: ${image.src.slice(-60)} "${alt}"`);
      }
    }

    for (const formula of article.querySelectorAll(".math")) {
      if (!formula.querySelector("mjx-container")) { faults.push(`formula not set: ${say(formula)}`); }
    }
    // MathJax sets a command that it does not know as red text, and everything else that it cannot
    // read as an error.
    const unread = "mjx-merror, [data-mjx-error], mjx-mtext[style*='color: red']";
    for (const broken of article.querySelectorAll(unread)) {
      faults.push(`formula with an error: ${broken.getAttribute("data-mjx-error") || say(broken)}`);
    }
    const markup = /\\\(|\\\[|\$\$|\\(frac|sigma|beta|mu|operatorname)\b|\{(glue|cite|ref|doc|math)[:}]/;
    const words = document.createTreeWalker(article, NodeFilter.SHOW_TEXT);
    while (words.nextNode()) {
      const text = words.currentNode;
      const verbatim = text.parentElement.closest("pre, code, script, style, mjx-container, .math");
      if (!verbatim && markup.test(text.data)) {
        faults.push(`markup left in the text: ${text.data.trim().slice(0, 60)}`);
      }
    }
    return [...new Set(faults)];
  },

  // Ten thousand coloured words of code cost axe-core half a minute a page; it needs to see each
  // colour once. To be called last: the page is not the same afterwards.
  oneWordOfEachColour() {
    const seen = new Set();
    const again = [...document.querySelectorAll("pre span:not([id])")].filter((word) => {
      const box = word.closest("div[class]");
      const look = getComputedStyle(word).color + getComputedStyle(box).backgroundColor
        + box.className;
      return !word.children.length && (seen.has(look) || !seen.add(look));
    });
    again.forEach((word) => word.replaceWith(word.textContent));
    document.querySelectorAll("pre").forEach((code) => code.normalize());
  },
};
