"""The package as users get it: built, installed apart from the checkout, and used from there."""
