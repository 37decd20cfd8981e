//! Local backends of Keyferry: env, dotenv, file, mount, memory.
