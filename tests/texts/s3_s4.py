"""S3 and S4, gradients as chains and feed-forward networks: what is printed, against the texts' formulas."""

from __future__ import annotations

from texts.page import Check, says

CHECKS: dict[int, Check] = {
    94: says("y − d for the squared error ½‖y − d‖²"),
    95: says("the δ of a value is a sum over the equations that read it"),
    96: says("∇W_u = δu xᵀ", "δx = W_uᵀ δu", "δu = δy ⊙ y ⊙ (1 − y)", "∂y/∂x = diag(y ⊙ (1 − y)) W_u"),
    100: says("Kept for the backward pass: iₜ (H), fₜ (H), gₜ (H), oₜ (H).", "T·B·6·H"),
}
