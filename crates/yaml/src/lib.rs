//! A YAML tree that knows its lines and refuses what a configuration must not hold.
