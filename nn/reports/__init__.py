"""Reports: what was computed as a folder with one page that needs nothing else, and the numbers as JSON."""
