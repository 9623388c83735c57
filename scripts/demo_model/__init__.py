"""Text, tokenizer, network and score of the demo model that ships with the repository."""
