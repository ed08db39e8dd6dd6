"""Systems: classifiers that are fitted at once, and predictions that were made elsewhere."""
