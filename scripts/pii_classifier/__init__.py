"""What `train_pii_classifier.py` learns from: texts with labelled names and addresses, and their tokens."""
