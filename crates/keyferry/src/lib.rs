//! Carries secrets from wherever they are kept to the application that may have them.
