"""Music as a value: read from MIDI, ABC and piano rolls, made into tokens and frames, written, heard."""
