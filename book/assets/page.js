// What a page must do for readers whom the theme forgets.

(() => {
  // A part that scrolls sideways must be reachable with the keyboard. The theme looks only at what
  // is open when the page has loaded; a folded answer is measured here when it opens.
  const scrolling = ".bd-article pre, .bd-article .output, .bd-article .output div,"
    + " .bd-article .pst-scrollable-table-container, .bd-article mjx-container[display], .bd-article div.math";

  function offerToTheKeyboard() {
    document.querySelectorAll(scrolling).forEach((box) => {
      const hides = box.scrollWidth > box.clientWidth + 1
        && /auto|scroll/.test(getComputedStyle(box).overflowX);
      if (hides) {
        box.tabIndex = 0;
      } else if (box.tabIndex === 0 && !box.matches("a, button, input")) {
        box.removeAttribute("tabindex");
      }
    });
  }

  // At once, and again when the theme, which waits for the end of a resize, has had its say.
  let once = 0;
  let again = 0;
  const soon = () => {
    cancelAnimationFrame(once);
    clearTimeout(again);
    once = requestAnimationFrame(offerToTheKeyboard);
    again = setTimeout(offerToTheKeyboard, 600);
  };
  window.addEventListener("load", soon);
  window.addEventListener("resize", soon);
  window.addEventListener("afterprint", soon);
  document.addEventListener("toggle", soon, true); // it does not bubble
  document.addEventListener("click", soon);

  // The arrow that unfolds a chapter's pages in the table of contents has no name of its own.
  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll(".bd-sidenav details > summary").forEach((arrow) => {
      const chapter = arrow.parentElement.previousElementSibling;
      arrow.setAttribute("aria-label", `Pages of ${chapter ? chapter.textContent : "this part"}`);
    });
  });

  // Paper is white: a page read in dark mode is printed in the light one.
  const root = document.documentElement.dataset;
  let chosen = root.theme;
  window.addEventListener("beforeprint", () => {
    chosen = root.theme;
    root.theme = "light";
  });
  window.addEventListener("afterprint", () => { root.theme = chosen; });

  // In a copy on disk a search lists its hits without the sentences around them: a browser does
  // not let a page read the files beside it.
  if (window.location.protocol === "file:" && typeof DOCUMENTATION_OPTIONS === "object") {
    DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
  }
})();
