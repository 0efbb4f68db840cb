"""Many drives scored: plan, runner, results, report."""
