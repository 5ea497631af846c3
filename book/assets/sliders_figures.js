/* Slider figures of links and of distributions: what can be moved, and what is then drawn and said.
   Those of models are in sliders_models.js. */

(function () {
  "use strict";

  const {
    define, format, niceCeiling, grid, counts, curve, range, logRange, top,
  } = window.sliders;
  const { density, variance, inverseLink } = window.sliderMaths;

  const percent = (share) => `${format(100 * share)} %`;

  /* --- links -------------------------------------------------------------------------------- */

  const ALLOWED = {
    identity: { means: [-Infinity, Infinity], axis: [-8, 8], words: "any mean is allowed" },
    log: { means: [0, Infinity], axis: [-2, 20], words: "means above 0 are allowed" },
    logit: { means: [0, 1], axis: [-0.2, 1.2], words: "means from 0 to 1 are allowed" },
    probit: { means: [0, 1], axis: [-0.2, 1.2], words: "means from 0 to 1 are allowed" },
    cloglog: { means: [0, 1], axis: [-0.2, 1.2], words: "means from 0 to 1 are allowed" },
    inverse: { means: [0, Infinity], axis: [-2, 10], words: "means above 0 are allowed" },
  };

  const READING = {
    identity: (b) => `One step in x adds ${format(b)} to the mean, everywhere.`,
    log: (b) => `One step in x multiplies the mean by exp(${format(b)}) = ${format(Math.exp(b))}.`,
    logit: (b) => `One step in x multiplies the odds by exp(${format(b)}) = ${format(Math.exp(b))}; `
      + `the curve is steepest where the mean is one half, with slope ${format(b)}/4 = ${format(b / 4)}.`,
    probit: (b) => `One step in x moves a hidden normal trait by ${format(b)} of its standard deviations.`,
    cloglog: (b) => `One step in x multiplies a hidden Poisson mean by exp(${format(b)}) = `
      + `${format(Math.exp(b))}; the curve is not symmetric about one half.`,
    inverse: (b) => `One step in x adds ${format(b)} to 1/mean.`,
  };

  define("links", {
    title: "A straight line on the link scale and what the inverse link makes of it",
    controls: [
      { kind: "radio", name: "link", label: "link", value: "logit",
        options: Object.keys(ALLOWED).map((name) => [name, name]) },
      range("a", "intercept β₀", -5, 5, 0.1, -4),
      range("b", "slope β₁", -2, 2, 0.05, 0.8),
    ],
    settings: ["identity", "log", "logit"].map((link) => [link, { link, a: -2, b: 0.4 }]),
    panels: ["The linear predictor against x, on the link scale", "The mean against x, on the response scale"],
    draw({ link, a, b }, [left, right]) {
      const marks = grid(1, 9, 8);
      const xs = grid(0, 10, 400);
      const eta = (x) => a + b * x;
      const mu = (x) => inverseLink[link](eta(x));
      const { means, axis, words } = ALLOWED[link];
      left.axes({ x: [0, 10], y: [-10, 10], xlabel: "x", ylabel: "η, link scale", title: "η = β₀ + β₁ x" });
      if (link === "inverse") {
        left.band(-Infinity, 0, "s-forbidden").text("forbidden: no mean has η ≤ 0", 9.8, -9.3, "end");
      }
      marks.forEach((x) => left.line([[0, eta(x)], [x, eta(x)]], "s-thin"));
      left.line(curve(xs, eta), "s-fixed").dots(marks.map((x) => [x, eta(x)]), 3.5, "s-fixed");
      right.axes({ x: [0, 10], y: axis, xlabel: "x", ylabel: "mean μ, response scale", title: "μ = g⁻¹(η)" });
      right.band(means[0], means[1], "s-allowed");
      const inside = marks.filter((x) => !Number.isNaN(mu(x)));
      inside.forEach((x) => right.line([[0, mu(x)], [x, mu(x)]], "s-thin"));
      right.line(curve(xs, mu), "s-fixed").dots(inside.map((x) => [x, mu(x)]), 3.5, "s-fixed");
      right.text(words, 9.8, axis[0] + 0.03 * (axis[1] - axis[0]), "end");
      const lost = link === "inverse" && xs.some((x) => eta(x) <= 0);
      const warning = lost ? " Where η is not positive there is no mean: the curve stops." : "";
      return READING[link](b) + warning;
    },
  });

  /* --- distributions ------------------------------------------------------------------------ */

  const PANELS = (name) => [`${name}: the distribution`, `${name}: the variance against the mean`];

  define("normal", {
    title: "The normal distribution",
    controls: [range("mu", "mean μ", -5, 5, 0.1, 0), range("sigma", "standard deviation σ", 0.2, 4, 0.1, 1)],
    settings: [0.5, 1, 2].map((sigma) => [`σ = ${sigma}`, { mu: 0, sigma }]),
    panels: PANELS("Normal"),
    draw({ mu, sigma }, [left, right]) {
      const points = curve(grid(-10, 10, 400), (x) => density.normal(x, mu, sigma));
      const y = [0, top(points, Infinity)];
      left.axes({ x: [-10, 10], y, xlabel: "y", ylabel: "density", title: "distribution of y" });
      left.area(points, "s-assumed").line(points, "s-assumed").line([[mu, 0], [mu, y[1]]], "s-mean");
      right.axes({ x: [-5, 5], y: [0, 18], xlabel: "mean μ", ylabel: "Var(y)", title: "variance and mean" });
      right.line([[-5, sigma ** 2], [5, sigma ** 2]], "s-assumed").here(mu, sigma ** 2);
      return `Mean ${format(mu)}. The variance is σ² = ${format(sigma ** 2)}, whatever the mean.`;
    },
  });

  define("t", {
    title: "Student's t distribution beside a normal distribution with the same σ",
    controls: [range("mu", "centre μ", -5, 5, 0.1, 0), range("sigma", "scale σ", 0.2, 4, 0.1, 1),
      logRange("nu", "degrees of freedom ν", 1, 30, 4)],
    settings: [1.5, 4, 30].map((nu) => [`ν = ${nu}`, { mu: 0, sigma: 1, nu }]),
    panels: PANELS("Student t"),
    draw({ mu, sigma, nu }, [left, right]) {
      const xs = grid(-10, 10, 400);
      const points = curve(xs, (x) => density.t(x, mu, sigma, nu));
      const normal = curve(xs, (x) => density.normal(x, mu, sigma));
      left.axes({ x: [-10, 10], y: [0, top(normal, Infinity)], xlabel: "y", ylabel: "density", title: "distribution of y" });
      left.area(points, "s-assumed").line(points, "s-assumed").line(normal, "s-compare");
      left.text("dashed: normal, same σ", 9.8, 0.95 * left.y[1], "end");
      const spread = variance.t(mu, sigma, nu);
      right.axes({ x: [-5, 5], y: [0, 40], xlabel: "centre μ", ylabel: "Var(y)", title: "variance and mean" });
      if (Number.isFinite(spread)) {
        right.line([[-5, spread], [5, spread]], "s-assumed").here(mu, spread);
        return `Var(y) = σ² ν/(ν − 2) = ${format(spread)}: more than σ² = ${format(sigma ** 2)}.`;
      }
      const word = Number.isNaN(spread) ? "undefined" : "infinite";
      right.text(`the variance is ${word}`, 0, 20, "middle");
      return `With ν = ${format(nu)} the variance is ${word}${word === "undefined" ? ", and so is the mean" : ""}.`;
    },
  });

  define("gamma", {
    title: "The gamma distribution",
    controls: [range("mu", "mean μ", 0.5, 20, 0.5, 5), logRange("phi", "dispersion φ", 0.02, 2, 0.25)],
    settings: [0.05, 0.25, 1].map((phi) => [`φ = ${phi}`, { mu: 5, phi }]),
    panels: PANELS("Gamma"),
    draw({ mu, phi }, [left, right]) {
      // more points near zero, where the density may rise without bound
      const points = curve(grid(0.02, 1, 500).map((u) => 30 * u * u), (x) => density.gamma(x, mu, phi));
      const y = [0, top(points, density.gamma(mu, mu, phi))];
      left.axes({ x: [0, 30], y, xlabel: "y", ylabel: "density", title: "distribution of y" });
      left.area(points, "s-assumed").line(points, "s-assumed").line([[mu, 0], [mu, y[1]]], "s-mean");
      const spread = variance.gamma(mu, phi);
      right.axes({ x: [0, 20], y: [0, 100], xlabel: "mean μ", ylabel: "Var(y)", title: "variance and mean" });
      right.line(curve(grid(0, 20, 100), (m) => variance.gamma(m, phi)), "s-assumed").here(mu, spread);
      return `Mean ${format(mu)}, variance φμ² = ${format(spread)}, standard deviation `
        + `${format(Math.sqrt(spread))}: always ${percent(Math.sqrt(phi))} of the mean.`;
    },
  });

  define("beta", {
    title: "The beta distribution",
    controls: [range("mu", "mean μ", 0.02, 0.98, 0.01, 0.75), logRange("phi", "precision φ", 0.5, 200, 24.4)],
    settings: [[0.5, 2], [0.2, 5], [0.75, 24.4]].map(([mu, phi]) => [`μ = ${mu}, φ = ${phi}`, { mu, phi }]),
    panels: PANELS("Beta"),
    draw({ mu, phi }, [left, right]) {
      const points = curve(grid(0.002, 0.998, 498), (x) => density.beta(x, mu, phi));
      const y = [0, top(points, Math.max(1, density.beta(mu, mu, phi)))];
      left.axes({ x: [0, 1], y, xlabel: "y", ylabel: "density", title: "distribution of y" });
      left.area(points, "s-assumed").line(points, "s-assumed").line([[mu, 0], [mu, y[1]]], "s-mean");
      const spread = variance.beta(mu, phi);
      const highest = niceCeiling(1.02 * variance.beta(0.5, phi));
      right.axes({ x: [0, 1], y: [0, highest], xlabel: "mean μ", ylabel: "Var(y)", title: "variance and mean" });
      right.line(curve(grid(0, 1, 100), (m) => variance.beta(m, phi)), "s-assumed").here(mu, spread);
      return `Shapes α = μφ = ${format(mu * phi)} and β = (1 − μ)φ = ${format((1 - mu) * phi)}. Variance `
        + `${format(spread)}, standard deviation ${format(Math.sqrt(spread))}. A larger φ means less spread.`;
    },
  });

  define("poisson", {
    title: "The Poisson distribution",
    controls: [range("lambda", "mean λ", 0.2, 30, 0.2, 2)],
    settings: [1, 4, 16].map((lambda) => [`λ = ${lambda}`, { lambda }]),
    panels: PANELS("Poisson"),
    draw({ lambda }, [left, right]) {
      const points = curve(counts(50), (k) => density.poisson(k, lambda));
      left.axes({ x: [-0.5, 50], y: [0, top(points, Infinity)], xlabel: "y", ylabel: "probability", title: "distribution of y" });
      left.bars(points, 0.8, "s-assumed");
      right.axes({ x: [0, 30], y: [0, 30], xlabel: "mean λ", ylabel: "Var(y)", title: "variance and mean" });
      right.line([[0, 0], [30, 30]], "s-assumed").here(lambda, lambda);
      return `Mean and variance are both ${format(lambda)}. A count of 0 has probability exp(−λ) = `
        + `${format(Math.exp(-lambda))}.`;
    },
  });

  define("binomial", {
    title: "The binomial distribution, as a count or as a proportion",
    controls: [
      { kind: "radio", name: "axis", label: "show", value: "count",
        options: [["count", "count"], ["proportion", "proportion"]] },
      range("n", "trials n", 1, 60, 1, 20), range("p", "probability p", 0.02, 0.98, 0.01, 0.3)],
    settings: [5, 20, 60].map((n) => [`n = ${n}`, { n, p: 0.3 }]),
    panels: PANELS("Binomial"),
    draw({ axis, n, p }, [left, right]) {
      const isCount = axis === "count";
      const scale = isCount ? 1 : 1 / n;
      const points = curve(counts(n), (k) => density.binomial(k, n, p));
      const half = isCount ? 0.5 : Math.min(0.5 / n, 0.06);
      left.axes({ x: isCount ? [-0.5, 60.5] : [-0.06, 1.06], y: [0, top(points, Infinity)],
        xlabel: isCount ? "y, successes" : "y / n, proportion", ylabel: "probability", title: "distribution" });
      left.bars(points.map(([k, q]) => [k * scale, q]), 1.6 * half, "s-assumed");
      const f = isCount ? variance.binomial : variance.proportion;
      const spread = f(n, p);
      right.axes({ x: [0, 1], y: [0, niceCeiling(1.02 * f(n, 0.5))], xlabel: "probability p",
        ylabel: isCount ? "Var(y)" : "Var(y / n)", title: "variance and mean" });
      right.line(curve(grid(0, 1, 100), (q) => f(n, q)), "s-assumed").here(p, spread);
      return isCount
        ? `Count: mean np = ${format(n * p)}, variance np(1 − p) = ${format(spread)}. It grows with n.`
        : `Proportion: mean p = ${format(p)}, variance p(1 − p)/n = ${format(spread)}. It shrinks with n.`;
    },
  });

  define("negbin", {
    title: "The negative binomial distribution beside a Poisson distribution with the same mean",
    controls: [
      { kind: "radio", name: "kind", label: "kind", value: "2", options: [["2", "NB2"], ["1", "NB1"]] },
      range("mu", "mean μ", 0.5, 30, 0.5, 5),
      { ...logRange("theta", "shape θ", 0.2, 50, 2), when: ({ kind }) => kind === "2" },
      { ...logRange("phi", "extra spread φ", 0.1, 20, 2.5), when: ({ kind }) => kind === "1" }],
    settings: [0.5, 2, 20].map((theta) => [`θ = ${theta}`, { kind: "2", mu: 5, theta }]),
    panels: PANELS("Negative binomial"),
    draw({ kind, mu, theta, phi }, [left, right]) {
      const two = kind === "2";
      const mass = (k) => (two ? density.nbinom2(k, mu, theta) : density.nbinom1(k, mu, phi));
      const spread = (m) => (two ? variance.nbinom2(m, theta) : variance.nbinom1(m, phi));
      const points = curve(counts(60), mass);
      const poisson = curve(counts(60), (k) => density.poisson(k, mu));
      left.axes({ x: [-0.5, 60], y: [0, top([...points, ...poisson], Infinity)], xlabel: "y", ylabel: "probability", title: "distribution of y" });
      left.bars(points, 0.8, "s-assumed").line(poisson, "s-compare");
      left.text("dashed: Poisson, same mean", 59, 0.95 * left.y[1], "end");
      right.axes({ x: [0, 30], y: [0, 200], xlabel: "mean μ", ylabel: "Var(y)", title: "variance and mean" });
      right.line([[0, 0], [30, 30]], "s-compare").line(curve(grid(0, 30, 100), spread), "s-assumed");
      right.here(mu, spread(mu)).text("Poisson", 29.5, 36, "end");
      const law = two ? "μ + μ²/θ" : "μ(1 + φ)";
      return `Mean ${format(mu)}, variance ${law} = ${format(spread(mu))}. A count of 0 has probability `
        + `${format(mass(0))}; under the Poisson it would be ${format(Math.exp(-mu))}.`;
    },
  });
})();
