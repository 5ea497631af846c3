/* Figures with sliders that need no server, no kernel and no network.

   A page holds <div class="sliders sliders-NAME"> with a text for print and for JupyterLab; the
   figure NAME (sliders_figures.js, sliders_models.js) is put into it. Controls are native inputs, so
   they take the keyboard; the picture moves only when the reader moves it.

     sliders.define("name", {
       title,                 what the figure is, for those who cannot see it
       controls: [ {kind: "range", name, label, min, max, step, value, log, when},
                   {kind: "radio", name, label, options: [[value, label], ...], value} ],
       settings: [ [label, {name: value, ...}], ... ],     buttons
       panels: [description, ...],                         one drawing each
       draw(values, charts) -> sentence                    said below the drawings
     })
*/

(function () {
  "use strict";

  const SVG = "http://www.w3.org/2000/svg";
  const WIDTH = 360;
  const HEIGHT = 280;
  const BOX = { left: 66, right: 12, top: 26, bottom: 44 };
  const figures = new Map();
  let count = 0;

  function element(name, attributes, parent, text) {
    const node = document.createElement(name);
    Object.entries(attributes || {}).forEach(([key, value]) => node.setAttribute(key, value));
    if (text !== undefined) {
      node.textContent = text;
    }
    if (parent) {
      parent.append(node);
    }
    return node;
  }

  function shape(name, attributes, parent, text) {
    const node = document.createElementNS(SVG, name);
    Object.entries(attributes).forEach(([key, value]) => node.setAttribute(key, value));
    if (text !== undefined) {
      node.textContent = text;
    }
    parent.append(node);
    return node;
  }

  /* Three significant digits, a true minus sign, no exponent in the range of the figures. */
  function format(value) {
    if (!Number.isFinite(value)) {
      return "infinite";
    }
    const size = Math.abs(value);
    let text;
    if (size !== 0 && size < 0.0005) {
      text = value.toExponential(1).replace(/e-(\d+)/, " × 10⁻$1")
        .replace(/⁻(\d+)/, (_, digits) => `⁻${[...digits].map((d) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[d]).join("")}`);
    } else if (size >= 100) {
      text = value.toFixed(0);
    } else {
      text = String(Number(value.toPrecision(3)));
    }
    return text.replace("-", "−");
  }

  function niceCeiling(value) {
    const power = 10 ** Math.floor(Math.log10(value));
    return [1, 2, 3, 5, 10].map((m) => m * power).find((v) => v >= value * (1 - 1e-12));
  }

  function ticks([low, high], wanted) {
    const power = 10 ** Math.floor(Math.log10((high - low) / wanted));
    const step = [1, 2, 5, 10].map((m) => m * power).find((s) => (high - low) / s <= wanted);
    const first = Math.ceil(low / step - 1e-9);
    const last = Math.floor(high / step + 1e-9);
    const digits = Math.max(0, -Math.floor(Math.log10(step * (1 + 1e-9))));
    return Array.from({ length: last - first + 1 }, (_, i) => {
      const value = (first + i) * step;
      return [value, value.toFixed(digits).replace(/^-0(\.0*)?$/, "0").replace("-", "−")];
    });
  }

  /* One drawing: axes first, then what the figure asks for, in the order it asks. */
  class Chart {
    constructor(parent, description, describedBy) {
      count += 1;
      this.clip = `sliders-clip-${count}`;
      this.svg = shape("svg", {
        viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
        role: "img",
        "aria-label": description,
        "aria-describedby": describedBy,
      }, parent);
    }

    axes({ x, y, xlabel, ylabel, title }) {
      this.x = x;
      this.y = y;
      this.svg.replaceChildren();
      const frame = shape("clipPath", { id: this.clip }, shape("defs", {}, this.svg));
      const inner = {
        x: BOX.left,
        y: BOX.top,
        width: WIDTH - BOX.left - BOX.right,
        height: HEIGHT - BOX.top - BOX.bottom,
      };
      shape("rect", inner, frame);
      this.marks = shape("g", { "clip-path": `url(#${this.clip})` }, this.svg);
      const axis = shape("g", { class: "s-axis" }, this.svg);
      const bottom = HEIGHT - BOX.bottom;
      shape("path", { d: `M${BOX.left},${BOX.top}V${bottom}H${WIDTH - BOX.right}` }, axis);
      ticks(x, 6).forEach(([value, label]) => {
        shape("path", { d: `M${this.px(value)},${bottom}v5` }, axis);
        this.words(label, this.px(value), bottom + 17, "middle", axis);
      });
      ticks(y, 6).forEach(([value, label]) => {
        shape("path", { d: `M${BOX.left},${this.py(value)}h-5` }, axis);
        this.words(label, BOX.left - 8, this.py(value) + 4, "end", axis);
      });
      this.words(xlabel, (BOX.left + WIDTH - BOX.right) / 2, HEIGHT - 8, "middle", axis);
      const name = this.words(ylabel, 0, 0, "middle", axis);
      name.setAttribute("transform", `translate(12 ${(BOX.top + bottom) / 2}) rotate(-90)`);
      this.words(title, BOX.left - 52, 14, "start", axis).setAttribute("class", "s-title");
      this.labels = shape("g", {}, this.svg);
      return this;
    }

    px(value) {
      const share = (value - this.x[0]) / (this.x[1] - this.x[0]);
      return BOX.left + share * (WIDTH - BOX.left - BOX.right);
    }

    /* Far outside the frame is as good as just outside it, and no renderer stumbles. */
    py(value) {
      const share = (value - this.y[0]) / (this.y[1] - this.y[0]);
      const bottom = HEIGHT - BOX.bottom;
      return bottom - Math.min(3, Math.max(-3, share)) * (bottom - BOX.top);
    }

    words(text, left, top, anchor, parent) {
      return shape("text", { x: left, y: top, "text-anchor": anchor }, parent, text);
    }

    path(points) {
      let pen = "M";
      let d = "";
      points.forEach(([x, y]) => {
        if (Number.isNaN(y)) {
          pen = "M";
          return;
        }
        d += `${pen}${this.px(x).toFixed(2)},${this.py(y).toFixed(2)}`;
        pen = "L";
      });
      return d;
    }

    line(points, look) {
      shape("path", { d: this.path(points), class: `s-line ${look}` }, this.marks);
      return this;
    }

    area(points, look) {
      const zero = [[points[points.length - 1][0], 0], [points[0][0], 0]];
      shape("path", { d: `${this.path([...points, ...zero])}Z`, class: `s-area ${look}` },
        this.marks);
      return this;
    }

    /* A horizontal band, for values that are allowed or forbidden. */
    band(low, high, look) {
      const top = this.py(Math.min(high, this.y[1]));
      const bottom = this.py(Math.max(low, this.y[0]));
      shape("rect", {
        x: BOX.left, y: top, width: WIDTH - BOX.left - BOX.right,
        height: Math.max(0, bottom - top), class: `s-band ${look}`,
      }, this.marks);
      return this;
    }

    bars(points, width, look) {
      points.forEach(([x, y]) => {
        const left = this.px(x - width / 2);
        shape("rect", {
          x: left, y: this.py(y), width: this.px(x + width / 2) - left,
          height: Math.max(0, this.py(0) - this.py(y)), class: `s-bar ${look}`,
        }, this.marks);
      });
      return this;
    }

    dots(points, radius, look) {
      points.forEach(([x, y]) => {
        shape("circle", { cx: this.px(x), cy: this.py(y), r: radius, class: `s-dot ${look}` },
          this.marks);
      });
      return this;
    }

    /* The current setting on a curve; above the frame it becomes an arrow at the top edge. */
    here(x, y) {
      if (y > this.y[1]) {
        const left = this.px(x);
        const points = `${left - 8},${BOX.top + 15} ${left + 8},${BOX.top + 15} ${left},${BOX.top + 1}`;
        shape("polygon", { points, class: "s-dot s-here" }, this.labels);
      } else {
        shape("circle", { cx: this.px(x), cy: this.py(y), r: 6.5, class: "s-dot s-here" },
          this.labels);
      }
      return this;
    }

    /* A matrix in place of axes: each number in a tile, the stronger the larger. */
    tiles(rows, names, largest, title) {
      this.svg.replaceChildren();
      this.words(title, BOX.left - 52, 14, "start", this.svg).setAttribute("class", "s-title");
      const size = 56;
      const left = (WIDTH - size * rows.length) / 2;
      rows.forEach((row, i) => {
        const top = BOX.top + 24 + size * i;
        this.words(names[i], left - 8, top + size / 2 + 5, "end", this.svg);
        this.words(names[i], left + size * (i + 0.5), BOX.top + 16, "middle", this.svg);
        row.forEach((value, j) => {
          const x = left + size * j;
          shape("rect", { x, y: top, width: size, height: size, class: "s-tile",
            "fill-opacity": (0.75 * value) / largest }, this.svg);
          this.words(format(value), x + size / 2, top + size / 2 + 5, "middle", this.svg);
        });
      });
      return this;
    }

    text(text, x, y, anchor, look) {
      this.words(text, this.px(x), this.py(y), anchor || "start", this.labels)
        .setAttribute("class", `s-text ${look || ""}`);
      return this;
    }
  }

  function rangeControl(control, id, parent, changed) {
    const row = element("div", { class: "sliders-row" }, parent);
    element("label", { for: id }, row, control.label);
    const steps = 120;
    const ratio = control.max / control.min;
    const input = element("input", control.log
      ? { type: "range", id, min: 0, max: steps, step: 1 }
      : { type: "range", id, min: control.min, max: control.max, step: control.step }, row);
    const output = element("output", { for: id }, row);
    const show = (value) => {
      output.textContent = format(value);
      input.setAttribute("aria-valuetext", format(value));
    };
    input.addEventListener("input", () => {
      const at = Number(input.value);
      const value = control.log
        ? Number((control.min * ratio ** (at / steps)).toPrecision(2))
        : at;
      show(value);
      changed(control.name, value);
    });
    return {
      row,
      set(value) {
        input.value = control.log
          ? (steps * Math.log(value / control.min)) / Math.log(ratio)
          : value;
        show(value);
      },
    };
  }

  function radioControl(control, id, parent, changed) {
    const row = element("fieldset", { class: "sliders-row sliders-choice" }, parent);
    element("legend", {}, row, control.label);
    const inputs = control.options.map(([value, label]) => {
      const name = element("label", {}, row);
      const input = element("input", { type: "radio", name: id, value }, name);
      name.append(` ${label}`);
      input.addEventListener("change", () => changed(control.name, value));
      return input;
    });
    return {
      row,
      set(value) {
        inputs.forEach((input) => {
          input.checked = input.value === value;
        });
      },
    };
  }

  function build(place, figure) {
    count += 1;
    const id = `sliders-${count}`;
    const fallback = element("div", { class: "sliders-fallback" });
    fallback.append(...place.childNodes);
    const live = element("div", { class: "sliders-live", role: "group", "aria-label": figure.title });
    place.append(fallback, live);

    const values = {};
    const controls = {};
    const board = element("div", { class: "sliders-board" }, live);
    const pictures = element("div", { class: "sliders-pictures" }, live);
    const said = element("p", { class: "sliders-says", id: `${id}-says`, "aria-live": "polite" }, live);
    const charts = figure.panels.map((text) => new Chart(pictures, text, `${id}-says`));

    const redraw = () => {
      figure.controls.forEach((control) => {
        controls[control.name].row.hidden = Boolean(control.when) && !control.when(values);
      });
      said.textContent = figure.draw(values, charts);
    };
    const changed = (name, value) => {
      values[name] = value;
      redraw();
    };
    figure.controls.forEach((control) => {
      const make = control.kind === "radio" ? radioControl : rangeControl;
      controls[control.name] = make(control, `${id}-${control.name}`, board, changed);
    });
    const apply = (settings) => {
      Object.entries(settings).forEach(([name, value]) => {
        values[name] = value;
        controls[name].set(value);
      });
      redraw();
    };

    const start = Object.fromEntries(figure.controls.map(({ name, value }) => [name, value]));
    const buttons = element("div", { class: "sliders-buttons" }, board);
    [...(figure.settings || []), ["start again", start]].forEach(([label, settings]) => {
      element("button", { type: "button" }, buttons, label)
        .addEventListener("click", () => apply(settings));
    });
    apply(start);
  }

  /* What the figures are made of. */
  const grid = (low, high, n) => Array.from({ length: n + 1 }, (_, i) => low + ((high - low) * i) / n);
  const counts = (last) => Array.from({ length: last + 1 }, (_, k) => k);
  const curve = (xs, f) => xs.map((x) => [x, f(x)]);
  const range = (name, label, min, max, step, value) =>
    ({ kind: "range", name, label, min, max, step, value });
  const logRange = (name, label, min, max, value) =>
    ({ kind: "range", name, label, min, max, log: true, value });

  /* The height of an axis that holds the curve, but not the spike of a density without bound. */
  function top(points, atMean) {
    const highest = Math.max(...points.map(([, y]) => y).filter(Number.isFinite));
    return niceCeiling(1.04 * Math.min(highest, 6 * atMean));
  }

  window.sliders = {
    define: (name, figure) => figures.set(name, figure),
    format, niceCeiling, grid, counts, curve, range, logRange, top,
  };

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("div.sliders").forEach((place) => {
      const name = [...place.classList].find((c) => c.startsWith("sliders-"));
      const figure = name && figures.get(name.slice("sliders-".length));
      if (figure) {
        build(place, figure);
      }
    });
  });
})();
