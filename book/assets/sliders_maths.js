/* Densities, variances and inverse links of the slider figures.

   Plain functions of numbers, in the parameters that the chapters use. tests/test_sliders.py runs
   this file in node and compares it with scipy. */

(function (root) {
  "use strict";

  /* log Gamma(x) by Lanczos' approximation (g = 7, nine terms): about 15 digits for x > 0. */
  const LANCZOS = [
    0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313,
    -176.61502916214059, 12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6,
    1.5056327351493116e-7,
  ];

  function lgamma(x) {
    if (x < 0.5) {
      return Math.log(Math.PI / Math.sin(Math.PI * x)) - lgamma(1 - x);
    }
    const z = x - 1;
    let sum = LANCZOS[0];
    for (let i = 1; i < LANCZOS.length; i += 1) {
      sum += LANCZOS[i] / (z + i);
    }
    const t = z + 7.5;
    return 0.5 * Math.log(2 * Math.PI) + (z + 0.5) * Math.log(t) - t + Math.log(sum);
  }

  /* Standard normal distribution function: a series in the middle, a continued fraction in the
     tails. */
  function ndtr(z) {
    const density = Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI);
    const size = Math.abs(z);
    if (size < 3) {
      let term = z;
      let sum = z;
      for (let k = 1; k < 100 && Math.abs(term) > 1e-17; k += 1) {
        term *= (z * z) / (2 * k + 1);
        sum += term;
      }
      return 0.5 + density * sum;
    }
    let fraction = size;
    for (let k = 80; k >= 1; k -= 1) {
      fraction = size + k / fraction;
    }
    const tail = density / fraction;
    return z < 0 ? tail : 1 - tail;
  }

  /* k log(m) with the limit 0 at k = 0, whatever m is. */
  function xlogy(k, m) {
    return k === 0 ? 0 : k * Math.log(m);
  }

  const density = {
    normal: (x, mu, sigma) =>
      Math.exp(-0.5 * ((x - mu) / sigma) ** 2) / (sigma * Math.sqrt(2 * Math.PI)),

    /* sigma is a scale and not the standard deviation */
    t: (x, mu, sigma, nu) =>
      Math.exp(
        lgamma((nu + 1) / 2) - lgamma(nu / 2) - 0.5 * Math.log(nu * Math.PI) - Math.log(sigma)
          - ((nu + 1) / 2) * Math.log1p(((x - mu) / sigma) ** 2 / nu),
      ),

    /* shape 1 / phi, rate 1 / (phi mu): variance phi mu^2 */
    gamma: (x, mu, phi) => {
      const shape = 1 / phi;
      const rate = shape / mu;
      return Math.exp(
        shape * Math.log(rate) + xlogy(shape - 1, x) - rate * x - lgamma(shape),
      );
    },

    /* alpha = mu phi, beta = (1 - mu) phi: variance mu (1 - mu) / (1 + phi) */
    beta: (x, mu, phi) => {
      const a = mu * phi;
      const b = (1 - mu) * phi;
      return Math.exp(
        lgamma(phi) - lgamma(a) - lgamma(b) + xlogy(a - 1, x) + xlogy(b - 1, 1 - x),
      );
    },

    poisson: (k, lambda) => Math.exp(xlogy(k, lambda) - lambda - lgamma(k + 1)),

    binomial: (k, n, p) =>
      Math.exp(
        lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + xlogy(k, p) + xlogy(n - k, 1 - p),
      ),

    /* variance mu + mu^2 / theta */
    nbinom2: (k, mu, theta) =>
      Math.exp(
        lgamma(k + theta) - lgamma(theta) - lgamma(k + 1)
          - theta * Math.log1p(mu / theta) + xlogy(k, mu / (theta + mu)),
      ),

    /* variance mu (1 + phi) */
    nbinom1: (k, mu, phi) => density.nbinom2(k, mu, mu / phi),
  };

  const variance = {
    normal: (mu, sigma) => sigma * sigma,
    t: (mu, sigma, nu) => {
      if (nu <= 1) {
        return NaN; // not defined: the distribution has no mean
      }
      return nu <= 2 ? Infinity : (sigma * sigma * nu) / (nu - 2);
    },
    gamma: (mu, phi) => phi * mu * mu,
    beta: (mu, phi) => (mu * (1 - mu)) / (1 + phi),
    poisson: (lambda) => lambda,
    binomial: (n, p) => n * p * (1 - p),
    proportion: (n, p) => (p * (1 - p)) / n,
    nbinom2: (mu, theta) => mu + (mu * mu) / theta,
    nbinom1: (mu, phi) => mu * (1 + phi),
  };

  /* NaN where the link has no mean to give. */
  const inverseLink = {
    identity: (eta) => eta,
    log: (eta) => Math.exp(eta),
    logit: (eta) => 1 / (1 + Math.exp(-eta)),
    probit: (eta) => ndtr(eta),
    cloglog: (eta) => -Math.expm1(-Math.exp(eta)),
    inverse: (eta) => (eta > 0 ? 1 / eta : NaN),
  };

  /* The weight of a group's raw mean of n observations in its mean by a mixed model. */
  const shrinkageWeight = (n, sdGroups, sd) => sdGroups ** 2 / (sdGroups ** 2 + sd ** 2 / n);

  /* The smallest count that a Poisson variable does not exceed with the given probability. */
  function poissonQuantile(probability, lambda) {
    let k = 0;
    let sum = density.poisson(0, lambda);
    while (sum < probability) {
      k += 1;
      sum += density.poisson(k, lambda);
    }
    return k;
  }

  /* Inverse of ndtr, by bisection. */
  function normalQuantile(probability) {
    let [low, high] = [-10, 10];
    for (let i = 0; i < 60; i += 1) {
      const middle = (low + high) / 2;
      if (ndtr(middle) < probability) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return (low + high) / 2;
  }

  /* Mean of expit(eta + sigma u) over u ~ N(0, 1), by the trapezoid rule. */
  function marginalMean(eta, sigma) {
    const step = 0.1;
    let sum = 0;
    for (let i = -85; i <= 85; i += 1) {
      sum += inverseLink.logit(eta + sigma * i * step) * density.normal(i * step, 0, 1);
    }
    return sum * step;
  }

  /* Correlation of two plots of one block. */
  const intraclass = (blocks, plots) => blocks / (blocks + plots);

  /* y successes of n in a block with random effect u ~ N(0, 1), logit p = sigma u. */
  const block = {
    /* Probability of y given u, by the density of u. */
    height: (u, y, n, sigma) =>
      density.binomial(y, n, inverseLink.logit(sigma * u)) * density.normal(u, 0, 1),

    /* The likelihood: the area under the height, by the trapezoid rule. Smooth and light in its
       tails, the height leaves an error far below what a reader can see. */
    area: (y, n, sigma) => {
      const step = 0.01;
      let sum = 0;
      for (let i = -1000; i <= 1000; i += 1) {
        sum += block.height(i * step, y, n, sigma);
      }
      return sum * step;
    },

    /* Peak, curvature of the log there, and the area of the Gaussian curve that has both. A step
       of Newton's is cut where the logit is so flat that it would overshoot. */
    laplace: (y, n, sigma) => {
      let u = 0;
      let curvature = 1;
      for (let i = 0; i < 60; i += 1) {
        const p = inverseLink.logit(sigma * u);
        curvature = 1 + sigma ** 2 * n * p * (1 - p);
        u += Math.max(-1, Math.min(1, (sigma * (y - n * p) - u) / curvature));
      }
      const area = block.height(u, y, n, sigma) * Math.sqrt((2 * Math.PI) / curvature);
      return [u, curvature, area];
    },
  };

  const maths = {
    lgamma, ndtr, density, variance, inverseLink, shrinkageWeight, poissonQuantile, intraclass, block,
    normalQuantile, marginalMean,
  };
  if (typeof module !== "undefined" && module.exports) {
    module.exports = maths;
  } else {
    root.sliderMaths = maths;
  }
})(typeof window !== "undefined" ? window : globalThis);
