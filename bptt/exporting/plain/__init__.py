"""Recurrent layers as plain PyTorch: source from the equations, or the modules of torch.nn themselves."""
