"""float64 where a device has it, for the rooms above this one."""

from bptt.runtime.doubles import doubles as doubles
