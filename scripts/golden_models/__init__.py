"""Which tiny models `make_golden_models.py` makes."""
