"""How experiments run: sweep file, plan, trial, store, MLflow, statistics, table."""
