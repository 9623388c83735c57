"""What the SDK tests stand on: the built gateway as a process, a recording upstream, made-up identifiers."""
