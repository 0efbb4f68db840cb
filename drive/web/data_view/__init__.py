"""`drive data view`: a page to look through a dataset, and to exclude and restore frames."""
