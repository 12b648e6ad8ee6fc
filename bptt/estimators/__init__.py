"""The jobs as estimators of scikit-learn: for pipelines, grid searches and cross-validation."""
