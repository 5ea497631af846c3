"""Links for means that are any number, or any positive one."""

from __future__ import annotations

import numpy as np

from glmmlab._types import FloatArray
from glmmlab.links.base import Derivatives, Link
from glmmlab.links.stable import LARGEST


class Identity(Link):
    """``eta = mu``."""

    name = "identity"

    def link(self, mu: FloatArray) -> FloatArray:
        return np.asarray(mu, dtype=float)

    def inverse(self, eta: FloatArray) -> FloatArray:
        return np.asarray(eta, dtype=float)

    def derivatives(self, eta: FloatArray) -> Derivatives:
        mu = np.asarray(eta, dtype=float)
        zero = np.zeros_like(mu)
        return mu, np.ones_like(mu), zero, zero

    def link_derivative(self, mu: FloatArray) -> FloatArray:
        return np.ones_like(np.asarray(mu, dtype=float))


class Log(Link):
    """``eta = log mu``.

    The exponential is taken at ``min(eta, 700)``: no likelihood that gets there is ever accepted,
    and derivatives must stay finite for the step to be halved.
    """

    name = "log"

    def link(self, mu: FloatArray) -> FloatArray:
        return np.log(mu)

    def inverse(self, eta: FloatArray) -> FloatArray:
        return np.exp(np.minimum(eta, LARGEST))

    def derivatives(self, eta: FloatArray) -> Derivatives:
        mu = self.inverse(eta)
        return mu, mu, mu, mu

    def link_derivative(self, mu: FloatArray) -> FloatArray:
        return 1.0 / mu

    def complement(self, eta: FloatArray) -> FloatArray:
        return -np.expm1(np.minimum(eta, LARGEST))

    def log_mean(self, eta: FloatArray) -> Derivatives:
        t = np.asarray(eta, dtype=float)
        zero = np.zeros_like(t)
        return t, np.ones_like(t), zero, zero

    def logit_mean(self, eta: FloatArray) -> Derivatives:
        rest = -np.expm1(eta)
        odds = np.exp(eta) / rest
        second = odds * (1.0 + odds)
        return eta - np.log(rest), 1.0 + odds, second, second * (1.0 + 2.0 * odds)


class Inverse(Link):
    """``eta = 1 / mu``, for positive means: ``eta`` must be positive."""

    name = "inverse"
    lower = 0.0

    def link(self, mu: FloatArray) -> FloatArray:
        return 1.0 / mu

    def inverse(self, eta: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore"):  # eta = 0 is outside the domain; valid_eta says so
            return 1.0 / eta

    def derivatives(self, eta: FloatArray) -> Derivatives:
        mu = self.inverse(eta)
        square = mu * mu
        return mu, -square, 2.0 * square * mu, -6.0 * square * square

    def link_derivative(self, mu: FloatArray) -> FloatArray:
        return -1.0 / (mu * mu)


class Sqrt(Link):
    """``eta = sqrt(mu)``, one-to-one for positive ``eta``."""

    name = "sqrt"
    lower = 0.0

    def link(self, mu: FloatArray) -> FloatArray:
        return np.sqrt(mu)

    def inverse(self, eta: FloatArray) -> FloatArray:
        return np.asarray(eta * eta)

    def derivatives(self, eta: FloatArray) -> Derivatives:
        eta = np.asarray(eta, dtype=float)
        return eta * eta, 2.0 * eta, np.full_like(eta, 2.0), np.zeros_like(eta)

    def link_derivative(self, mu: FloatArray) -> FloatArray:
        return 0.5 / np.sqrt(mu)
