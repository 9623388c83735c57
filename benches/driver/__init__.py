"""Runs benches that need several processes, and writes down what came of them. Standard library only."""
