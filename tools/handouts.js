// Turns a page of the book into a handout. tools/handouts.py calls `handout` in the browser.
window.handout = ({ copy, head, notes, pageHeight }) => {
  const learner = copy === "learner";
  const article = document.querySelector("article.bd-article");
  document.body.replaceChildren(article);
  document.documentElement.dataset.theme = "light";

  const all = (selector, root = article) => [...root.querySelectorAll(selector)];
  const make = (tag, className, text) => {
    const node = document.createElement(tag);
    node.className = className;
    if (text) { node.textContent = text; }
    return node;
  };
  const lines = (n) => {
    const node = make("div", "lines");
    for (let i = 0; i < n; i += 1) { node.append(make("div", "")); }
    return node;
  };
  // Handwriting needs more room than print: a line for every 55 letters of the printed answer.
  const room = (text, least, most) => Math.min(most, Math.max(least, Math.ceil(text.length / 55)));

  // --- what only a screen needs ---
  all(".headerlink, .copybtn, button, .sliders-live, .sd-octicon, .sd-summary-state-marker, script, style:not(.cell_output style)")
    .forEach((node) => node.remove());
  all("a").forEach((link) => link.replaceWith(...link.childNodes));

  // A chapter's last cell compares its numbers with R's; on paper its one line stands forlorn.
  const cells = all(".cell");
  const last = cells[cells.length - 1];
  if (last && last.querySelector("details.hide") && !last.querySelector("img, table, svg")
    && !last.closest("details, .solution")) { last.remove(); }

  // --- answers, folded code, predictions ---
  const give = (node) => { node.classList.add("given"); return node; };
  all("details").forEach((box) => {
    const title = box.querySelector("summary").textContent.replace(/\s+/g, " ").trim();
    const inside = make("div", "");
    box.querySelector("summary").remove();
    inside.append(...box.childNodes);
    const text = inside.textContent.trim();
    if (box.matches(".predict")) {
      const prompt = make("div", "prompt keep");
      prompt.append(make("strong", "handout-lead", title));
      prompt.append(learner ? lines(2) : give(inside));
      box.replaceWith(prompt);
    } else if (box.matches(".answer") || /answer/i.test(title)) {
      const answer = make("div", "answer-of");
      answer.append(learner ? lines(room(text, 2, 6)) : give(inside));
      box.replaceWith(answer);
    } else if (box.matches(".hide")) {
      box.remove(); // folded code: it is in the notebook
    } else {
      const plain = make("div", "admonition");
      plain.append(make("p", "admonition-title", title), inside);
      box.replaceWith(plain);
    }
  });
  all(".cell").filter((cell) => !cell.textContent.trim() && !cell.querySelector("img, svg, .lines"))
    .forEach((cell) => cell.remove());

  all(".solution").forEach((solution) => {
    const title = solution.querySelector(".admonition-title");
    if (title) { title.remove(); }
    const words = solution.cloneNode(true);
    all(".cell_output, pre", words).forEach((node) => node.remove());
    const answer = make("div", "answer-of");
    if (learner) {
      const code = solution.querySelector(".cell_input") ? 3 : 0; // the rest of it belongs in the notebook
      answer.append(lines(code + room(words.textContent.trim(), 3, 9 - code)));
    } else {
      answer.append(...solution.childNodes);
      give(answer);
    }
    solution.replaceWith(answer);
  });

  // --- tables to fill ---
  const missing = [];
  (notes.blank || []).forEach((heading) => {
    let found = 0;
    all("table").forEach((table) => {
      const headings = all("thead th", table).map((cell) => cell.textContent.trim());
      const column = headings.indexOf(heading);
      if (column < 0 || table.closest(".answer-of")) { return; }
      found += 1;
      all("tbody tr", table).forEach((row) => row.children[column].classList.add(learner ? "fill" : "filled"));
    });
    if (!found) { missing.push(heading); }
  });

  // --- code to write: what it prints is given ---
  if (learner && notes.write) {
    all(`.cell.tag_${notes.write} .cell_input`).filter((code) => !code.closest(".answer-of")).forEach((code) => {
      code.replaceWith(lines(room(code.textContent.trim(), 1, 5)));
    });
  }

  // --- three arguments to fill ---
  const arguments_ = ["family", "offset", "zero_inflation", "random_effects", "type", "adjust", "df", "method"];
  const seen = new Set();
  all(".cell_input pre").filter((code) => !code.closest(".answer-of")).forEach((code) => {
    all("span.n", code).forEach((name) => {
      const equals = name.nextSibling;
      const value = equals && equals.nextSibling;
      const given = `${name.textContent}=${value && value.textContent}`;
      if (seen.size >= 3 || seen.has(given) || !arguments_.includes(name.textContent)
        || equals.textContent.trim() !== "=" || !/^(["']).+\1$/.test(value.textContent)) { return; }
      seen.add(given);
      const gap = make("span", learner ? "blank" : "given", learner ? "" : value.textContent);
      if (learner) { gap.style.width = `${value.textContent.length + 4}ch`; }
      value.replaceWith(gap);
    });
  });

  // --- tasks for paper and pencil ---
  const axes = ([x, y]) => {
    const picture = make("div", "axes");
    picture.append(make("span", "axes-y", y), make("div", "axes-box"), make("span", "axes-x", x));
    return picture;
  };
  const emptyTable = ({ columns, rows }) => {
    const table = make("table", "table");
    const head_ = table.createTHead().insertRow();
    // Rows that only count need no heading above them.
    const own = columns.length && /^\d/.test(rows[0]) || columns.join() === rows.join();
    (own ? ["", ...columns] : columns).forEach((text) => head_.append(make("th", "", text)));
    const body = table.createTBody();
    rows.forEach((text) => {
      const row = body.insertRow();
      row.append(make("td", "", text));
      for (let i = own ? 0 : 1; i < columns.length; i += 1) { row.append(make("td", "fill")); }
    });
    table.style.width = "100%";
    return table;
  };
  const checkpoint = all("h2").find((node) => /^Checkpoint/.test(node.textContent.trim()));
  if ((notes.sheet || []).length) {
    const section = make("section", "");
    section.append(make("h2", "", "Paper and pencil"));
    notes.sheet.forEach((task) => {
      const block = make("div", "keep");
      block.append(make("p", "handout-lead", task.ask));
      block.append(task.axes ? axes(task.axes) : emptyTable(task));
      if (!learner) {
        const answer = make("div", "answer-of");
        answer.append(make("p", "given", task.answer));
        block.append(answer);
      }
      section.append(block);
    });
    if (checkpoint) { checkpoint.parentElement.before(section); } else { article.append(section); }
  }

  // --- head and foot ---
  const top = make("div", "handout-head");
  top.append(make("span", "", head.left), make("strong", "", head.right));
  const title = article.querySelector("h1");
  article.prepend(top);
  if (learner) {
    const name = make("div", "handout-name");
    name.append(make("span", "", "Name"), make("span", "", "Date"));
    top.after(name);
    if (seen.size) {
      const hint = make("p", "handout-hint", seen.size === 1
        ? "One argument in the code is left blank: fill it in before you run the cells."
        : `${seen.size === 2 ? "Two" : "Three"} arguments in the code are left blank: fill them in before you run the cells.`);
      const after = article.querySelector(".question + p + ul, .question + ul, .question");
      (after || title).after(hint);
      if (notes.write) { hint.textContent += " Ruled lines stand for code: write what prints the output below them."; }
    }
    const end = make("div", "keep");
    end.append(make("h2", "", "Before you go"), make("p", "handout-lead", "The muddiest point of this chapter, for me:"), lines(2));
    // The exercises are for afterwards.
    if (checkpoint) { checkpoint.parentElement.after(end); } else { article.append(end); }
  } else {
    const guide = make("div", "handout-guide keep");
    guide.append(make("h2", "", "For the instructor"));
    guide.append(make("p", "", notes.minutes
      ? `${notes.minutes} minutes in a day's workshop; stop for a talk with the neighbour once every 15 minutes.`
      : "For self-study; no time is set aside for it in a day's workshop."));
    if ((notes.watch || []).length) {
      guide.append(make("p", "", "You will hear, and may ask back:"));
      const list = make("ul", "");
      notes.watch.forEach(({ says, ask }) => {
        const item = make("li", "");
        item.append(make("span", "", `\u201c${says}\u201d \u2014 `), make("em", "given", ask));
        list.append(item);
      });
      guide.append(list);
    }
    guide.append(make("p", "", "Answers are in blue italics. If the network fails, nothing does: the book and the notebooks "
      + "need none, and every figure and printed result of the chapter is on these pages."));
    const after = article.querySelector(".question") || title;
    after.after(guide);
  }

  // --- what is kept on one page, and what is made to fit it ---
  const width = article.clientWidth;
  // A tall figure at the height of a wide one would have letters too small to read.
  all("img").filter((image) => image.naturalHeight > 0.72 * image.naturalWidth)
    .forEach((image) => { image.style.maxHeight = "112mm"; });
  const shrink = (node, least) => {
    let size = parseFloat(getComputedStyle(node).fontSize);
    const smallest = size * least;
    while (node.scrollWidth > width + 1 && size > smallest) {
      size *= 0.96;
      node.style.setProperty("font-size", `${size}px`, "important");
    }
  };
  all("table").forEach((table) => {
    let size = parseFloat(getComputedStyle(table).fontSize);
    const smallest = 0.68 * size;
    while (table.getBoundingClientRect().width > width + 1 && size > smallest) {
      size *= 0.96;
      table.style.setProperty("font-size", `${size}px`, "important");
    }
  });
  all("mjx-container[display]").forEach((formula) => shrink(formula, 0.7));
  all(".cell, .cell_input, .output, table, .admonition, .answer-of, pre, ol, ul, figure, .sliders-fallback").forEach((node) => {
    // A summary is read as one piece.
    const most = { "answer-of": 0.22, output: 0.7 }[node.classList[0]] || 0.42;
    if (node.getBoundingClientRect().height < most * pageHeight) { node.classList.add("keep"); }
  });
  // A line that announces something stays with it, and a short paragraph is not torn.
  all("p").forEach((node) => {
    if (node.getBoundingClientRect().height < 0.1 * pageHeight) { node.classList.add("keep"); }
    const next = node.nextElementSibling;
    const isShort = node.textContent.length < 130 && node.previousElementSibling
      && /^H[1-4]$/.test(node.previousElementSibling.tagName);
    const strong = node.querySelector(":scope > strong:only-child");
    const isLabel = strong && strong.textContent.trim() === node.textContent.trim();
    if (next && (isShort || isLabel || /:$/.test(node.textContent.trim())
      || next.matches(".lines, .answer-of, div.math") || next.querySelector(".answer-of"))) {
      node.classList.add("handout-lead");
    }
  });
  all(".exercise").forEach((node) => {
    if (node.nextElementSibling && node.nextElementSibling.matches(".answer-of")) {
      node.classList.add("handout-lead");
    }
  });

  // What is still wider than the paper would be cut: the caller must hear of it.
  const cut = all("table, pre, img, mjx-container, svg, p, li")
    .filter((node) => node.getBoundingClientRect().right > width + 2)
    .map((node) => `${node.tagName.toLowerCase()}: ${node.textContent.trim().slice(0, 60)}`);
  return { missing, cut, gaps: seen.size };
};
