"""What this package costs: time, calls and memory. ``make bench`` runs it and writes docs/bench.md."""
