//! The few calls to the operating system that need unsafe code.
