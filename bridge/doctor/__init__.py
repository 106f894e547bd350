"""Looks at a CPO as an integrator does on the first day: what works, what is odd, what to set."""
