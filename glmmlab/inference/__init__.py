"""Inference: tests, marginal means, intervals and predictions from an Estimate."""
