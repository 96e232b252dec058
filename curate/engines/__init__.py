"""Where work runs: this machine (`local`) or a cluster (`ray`). Both write the same bytes."""
