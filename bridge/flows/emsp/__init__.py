"""What the eMSP answers a CPO: one file for each OCPI module, each function one row of 3.0."""
