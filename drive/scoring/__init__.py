"""Metrics, suites, statistics and reports."""
