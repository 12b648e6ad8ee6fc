"""Language models: training, sampling, scoring and comparing sentences."""
