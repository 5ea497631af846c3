/* Slider figures of models: what can be moved, and what is then drawn and said. */

(function () {
  "use strict";

  const {
    define, format, niceCeiling, grid, counts, curve, range, top,
  } = window.sliders;
  const {
    density, inverseLink, shrinkageWeight, poissonQuantile, intraclass, block, normalQuantile, marginalMean,
  } = window.sliderMaths;

  /* --- shrinkage ---------------------------------------------------------------------------- */

  define("shrinkage", {
    title: "A raw mean of 7 and the mixed model's mean of the same site, where the grand mean is 5",
    controls: [range("n", "plots at the site n", 1, 30, 1, 2),
      range("sdU", "standard deviation of sites", 0, 2, 0.05, 0.5),
      range("sd", "standard deviation of plots", 0.2, 3, 0.1, 1)],
    settings: [2, 8, 20].map((n) => [`n = ${n}`, { n, sdU: 0.5, sd: 1 }]),
    panels: ["The mixed model's mean of the site against its number of plots",
      "The weight of the raw mean against the number of plots"],
    draw({ n, sdU, sd }, [left, right]) {
      const weight = (plots) => shrinkageWeight(plots, sdU, sd);
      const mean = (plots) => 5 + 2 * weight(plots);
      const plots = grid(1, 30, 116);
      left.axes({ x: [0, 31], y: [4.5, 7.5], xlabel: "plots at the site n", ylabel: "site mean", title: "from raw to shrunken" });
      left.line([[0, 5], [31, 5]], "s-mean").line([[0, 7], [31, 7]], "s-compare");
      left.line(curve(plots, mean), "s-random s-faint").line([[n, 7], [n, mean(n)]], "s-random");
      left.dots([[n, 7]], 6, "s-data").dots([[n, mean(n)]], 6, "s-random");
      left.text("raw mean", 30.5, 7.1, "end").text("grand mean", 30.5, 4.75, "end");
      right.axes({ x: [0, 31], y: [0, 1], xlabel: "plots at the site n", ylabel: "weight", title: "weight of the raw mean" });
      right.line(curve(plots, weight), "s-random").dots([[n, weight(n)]], 6, "s-random");
      return `The raw mean has weight ${format(weight(n))}, so the mixed model says `
        + `5 + ${format(weight(n))} × 2 = ${format(mean(n))}.`;
    },
  });

  /* --- covariance of plots in blocks --------------------------------------------------------- */

  const PLOTS = ["1A", "1B", "2A", "2B"];

  define("covariance", {
    title: "The covariance of four plots in two blocks, and the intraclass correlation",
    controls: [range("blocks", "block variance σ²ᵤ", 0, 4, 0.1, 2),
      range("plots", "plot variance σ²", 0.2, 4, 0.1, 1)],
    settings: [["ICC = 0", 0], ["ICC = 1/3", 1], ["ICC = 2/3", 2]]
      .map(([label, blocks]) => [label, { blocks, plots: 3 - blocks }]),
    panels: ["Var(y): the covariances of plots 1A, 1B, 2A and 2B",
      "The intraclass correlation against the block variance"],
    draw({ blocks, plots }, [left, right]) {
      const inBlock = (i, j) => (i < 2) === (j < 2);
      const rows = PLOTS.map((_, i) => PLOTS.map((__, j) =>
        (inBlock(i, j) ? blocks : 0) + (i === j ? plots : 0)));
      left.tiles(rows, PLOTS, 8, "Var(y) = ZGZ′ + R");
      const icc = intraclass(blocks, plots);
      right.axes({ x: [0, 4], y: [0, 1], xlabel: "block variance σ²ᵤ", ylabel: "ICC", title: "what plots of a block share" });
      right.line(curve(grid(0, 4, 100), (v) => intraclass(v, plots)), "s-random").dots([[blocks, icc]], 6, "s-random");
      return `Every plot has variance ${format(blocks)} + ${format(plots)} = ${format(blocks + plots)}. Two plots of `
        + `a block share ${format(blocks)}: ICC = ${format(blocks)}/${format(blocks + plots)} = ${format(icc)}.`;
    },
  });

  /* --- effort -------------------------------------------------------------------------------- */

  define("effort", {
    title: "Poisson counts at one rate, seen through few leaves or through many",
    controls: [range("leaves", "leaves searched", 5, 40, 1, 10), range("rate", "aphids per leaf", 0.1, 2, 0.1, 0.5)],
    settings: [5, 15, 40].map((leaves) => [`${leaves} leaves`, { leaves, rate: 0.5 }]),
    panels: ["The distribution of the count", "The range of most counts, per leaf, against the leaves searched"],
    draw({ leaves, rate }, [left, right]) {
      const mean = leaves * rate;
      const limits = (n) => [0.025, 0.975].map((q) => poissonQuantile(q, n * rate));
      const last = niceCeiling(Math.max(10, mean + 4 * Math.sqrt(mean)));
      const points = curve(counts(last), (k) => density.poisson(k, mean));
      left.axes({ x: [-0.5, last + 0.5], y: [0, top(points, Infinity)], xlabel: "aphids counted", ylabel: "probability", title: "the count" });
      left.bars(points, 0.8, "s-assumed").line([[mean, 0], [mean, left.y[1]]], "s-mean");
      const efforts = counts(35).map((i) => i + 5);
      const highest = niceCeiling(1.02 * Math.max(...efforts.map((n) => limits(n)[1] / n)));
      right.axes({ x: [4, 41], y: [0, highest], xlabel: "leaves searched", ylabel: "aphids per leaf", title: "95 % of counts, per leaf" });
      efforts.forEach((n) => right.line(limits(n).map((k) => [n, k / n]), "s-assumed s-faint"));
      right.line([[4, rate], [41, rate]], "s-mean");
      const [low, high] = limits(leaves);
      right.line([[leaves, low / leaves], [leaves, high / leaves]], "s-strong").here(leaves, rate);
      return `The mean count is ${format(leaves)} × ${format(rate)} = ${format(mean)}. At least 95 % of such plots have `
        + `${low} to ${high} aphids: ${format(low / leaves)} to ${format(high / leaves)} per leaf.`;
    },
  });

  /* --- the Laplace approximation -------------------------------------------------------------- */

  define("laplace", {
    title: "The likelihood of one block of seeds, and its Laplace approximation",
    controls: [range("n", "seeds n", 1, 60, 1, 10), range("share", "share germinated", 0, 1, 0.05, 0.9),
      range("sigma", "sd of blocks σ", 0.1, 3, 0.1, 1.5)],
    settings: [[1, 1], [9, 10], [36, 40]].map(([y, n]) => [`${y} of ${n}`, { n, share: y / n, sigma: 1.5 }]),
    panels: ["The product of the two weights of u, and the Gaussian curve with the same peak and curvature",
      "The error of the area in percent against the standard deviation of blocks"],
    draw({ n, share, sigma }, [left, right]) {
      const y = Math.round(share * n);
      const [mode, curvature, approximate] = block.laplace(y, n, sigma);
      const peak = block.height(mode, y, n, sigma);
      const us = grid(-5, 5, 400);
      const product = curve(us, (u) => block.height(u, y, n, sigma) / peak);
      const gaussian = curve(us, (u) => Math.exp(-0.5 * curvature * (u - mode) ** 2));
      left.axes({ x: [-5, 5], y: [0, 1.2], xlabel: "u, in standard deviations", ylabel: "height, peak = 1", title: `${y} of ${n} seeds` });
      left.area(product, "s-random").line(product, "s-random").line(gaussian, "s-strong s-dashed");
      left.text("dashed: Gaussian", -4.8, 1.1, "start");
      const error = (s) => 100 * (block.laplace(y, n, s)[2] / block.area(y, n, s) - 1);
      const errors = curve(grid(0.1, 3, 29), error);
      const sizes = errors.map(([, e]) => Math.abs(e));
      const limit = niceCeiling(Math.max(1, 1.05 * Math.max(...sizes)));
      const above = Math.max(...errors.map(([, e]) => e));
      const below = Math.min(...errors.map(([, e]) => e));
      right.axes({ x: [0, 3], y: [below < -0.05 * limit ? -limit : -0.2 * limit, above > 0.05 * limit ? limit : 0.2 * limit],
        xlabel: "sd of blocks σ", ylabel: "error of the area, %", title: "Laplace against the truth" });
      right.line([[0, 0], [3, 0]], "s-thin").line(errors, "s-strong").here(sigma, error(sigma));
      return `The area is ${format(block.area(y, n, sigma))}, by Laplace ${format(approximate)}: an error of `
        + `${format(error(sigma))} %. The peak is at u = ${format(mode)}.`;
    },
  });

  /* --- one block, or all blocks ---------------------------------------------------------------- */

  define("marginal", {
    title: "The curves of forty blocks, of a typical block, and their average",
    controls: [range("sigma", "sd of blocks σᵤ", 0, 3, 0.1, 1.5), range("at", "look at x =", -4, 4, 0.1, 1.4)],
    settings: [0.5, 1.5, 3].map((sigma) => [`σᵤ = ${sigma}`, { sigma, at: 1.4 }]),
    panels: ["The probability against x: blocks, a typical block, the average over blocks",
      "The average over blocks against the probability in a typical block"],
    draw({ sigma, at }, [left, right]) {
      const xs = grid(-4, 4, 80);
      const logit = inverseLink.logit;
      left.axes({ x: [-4, 4], y: [0, 1], xlabel: "x", ylabel: "probability", title: "blocks and their average" });
      counts(39).forEach((j) => {
        const u = sigma * normalQuantile((j + 0.5) / 40);
        left.line(curve(xs, (x) => logit(x + u)), "s-random s-faint");
      });
      left.line(curve(xs, logit), "s-fixed").line(curve(xs, (x) => marginalMean(x, sigma)), "s-strong");
      left.line([[at, 0], [at, 1]], "s-thin");
      left.text("blue: a typical block", -3.8, 0.93, "start").text("thick: average of blocks", -3.8, 0.85, "start");
      const [typical, average] = [logit(at), marginalMean(at, sigma)];
      right.axes({ x: [0, 1], y: [0, 1], xlabel: "typical block (u = 0)", ylabel: "average over blocks", title: "two means" });
      right.line([[0, 0], [1, 1]], "s-compare");
      right.line(curve(grid(-8, 8, 160), (eta) => marginalMean(eta, sigma)).map(([eta, m]) => [logit(eta), m]), "s-strong");
      right.here(typical, average);
      return `At x = ${format(at)} a typical block has probability ${format(typical)}; the average over blocks is `
        + `${format(average)}. They answer different questions.`;
    },
  });

  /* --- a scaled residual -------------------------------------------------------------------------- */

  /* Counted by a cell of the chapter, which writes them into its page. */
  const severityRows = () => JSON.parse(document.getElementById("severity-rows").textContent);
  const sum = (values) => values.reduce((total, value) => total + value, 0);

  define("residual", {
    title: "One plot of the fungicide trial, its simulations and its scaled residual",
    controls: [range("row", "plot", 1, 48, 1, 43)],
    settings: [[43, "11", "3"], [11, "3", "3"], [2, "1", "2"]]
      .map(([row, fungicide, block]) => [`fungicide ${fungicide}, block ${block}`, { row }]),
    panels: ["The simulations of the plot, and what was observed there", "The scaled residuals of all plots"],
    draw({ row }, [left, right]) {
      const rows = severityRows();
      const plot = rows[row - 1];
      const share = ({ all, below }) => sum(below) / sum(all);
      const bins = (heights) => heights.map((height, i) => [(i + 0.5) / heights.length, height]);
      const highest = niceCeiling(Math.max(...rows.flatMap(({ all }) => all)));
      left.axes({ x: [0, 1], y: [0, highest], xlabel: "severity (proportion)", ylabel: "simulations",
        title: `fungicide ${plot.fungicide}, block ${plot.block}` });
      left.bars(bins(plot.all), 1 / plot.all.length, "s-pale").bars(bins(plot.below), 1 / plot.all.length, "s-assumed");
      left.line([[plot.seen, 0], [plot.seen, highest]], "s-strong");
      const beyond = plot.seen > 0.5;
      left.text("observed", plot.seen + (beyond ? -0.02 : 0.02), 0.93 * highest, beyond ? "end" : "start");
      right.axes({ x: [0, 49], y: [-0.04, 1.04], xlabel: "plot", ylabel: "scaled residual r", title: "all 48" });
      right.dots(rows.map((each, i) => [i + 1, share(each)]), 3.5, "s-data").here(row, share(plot));
      return `Observed: ${format(plot.seen)}. Of ${sum(plot.all)} simulations ${sum(plot.below)} lie below it, so `
        + `r = ${format(share(plot))}. If the model is right, every r from 0 to 1 is equally likely.`;
    },
  });

  /* --- the logistic curve ------------------------------------------------------------------------ */

  define("logistic", {
    title: "The logistic curve: intercept and slope, ED50 and steepness",
    controls: [range("a", "intercept β₀", -6, 2, 0.1, -3), range("b", "slope β₁", 0.1, 2, 0.05, 0.7)],
    settings: [["half the slope", { a: -3, b: 0.35 }], ["intercept raised by 2", { a: -1, b: 0.7 }]],
    panels: ["The linear predictor against the dose", "The probability against the dose"],
    draw({ a, b }, [left, right]) {
      const doses = grid(0, 10, 200);
      const half = -a / b;
      const inside = half >= 0 && half <= 10;
      left.axes({ x: [0, 10], y: [-6, 6], xlabel: "dose", ylabel: "η, link scale (logit)", title: "η = β₀ + β₁ dose" });
      left.line([[0, 0], [10, 0]], "s-thin").line(curve(doses, (x) => a + b * x), "s-fixed");
      right.axes({ x: [0, 10], y: [0, 1], xlabel: "dose", ylabel: "probability, response scale", title: "p = expit(η)" });
      right.line(curve(doses, (x) => inverseLink.logit(a + b * x)), "s-fixed");
      if (inside) {
        const reach = 1.6 / b; // the tangent, from p = 0.1 to p = 0.9
        left.line([[half, -6], [half, 0]], "s-thin").here(half, 0);
        right.line([[half - reach, 0.1], [half + reach, 0.9]], "s-compare");
        right.line([[half, 0], [half, 0.5]], "s-thin").here(half, 0.5);
        const beyond = half > 6;
        right.text(`ED50 = ${format(half)}`, half + (beyond ? -0.2 : 0.2), 0.04, beyond ? "end" : "start");
      }
      const where = inside ? "" : ", outside the doses tried";
      return `The probability is one half at the dose −β₀/β₁ = ${format(half)}${where}. There the curve is steepest: its slope is `
        + `${format(b)}/4 = ${format(b / 4)} per unit of dose.`;
    },
  });
})();
