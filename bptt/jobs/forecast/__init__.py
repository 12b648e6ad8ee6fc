"""The next values of series, with prediction intervals."""
