"""What carries out one run: lifecycle, drivers, workers, journal writer, log capture, results, settings."""
