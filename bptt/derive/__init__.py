"""The mathematics: normal form, adjoint, Jacobian, storage, and their evaluation and printing."""
