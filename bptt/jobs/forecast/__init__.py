"""Forecasting: the next values of series, with prediction intervals."""
