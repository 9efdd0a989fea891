"""What every room may use: errors, words, files, and the numbers of standards."""
