"""Scripts that the Makefile runs; none of them is part of the add-on."""
