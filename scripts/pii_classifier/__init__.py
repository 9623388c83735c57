"""What `train_pii_classifier.py` is made of: texts with labelled names and addresses, a tokenizer, a network's folder."""
