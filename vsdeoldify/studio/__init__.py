"""The studio: a page in the browser, on this machine, to look at a film, choose, correct and render."""
