"""Music: recurrent models of tokens or of frames of keys, which write and judge pieces."""
