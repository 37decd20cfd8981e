//! `.env` lines that python-dotenv and our own parser read alike.
//!
//! The two differ: ours is line by line and knows no escapes in single quotes, python-dotenv strips
//! comments behind unquoted values and expands `${NAME}` in whatever quotes. Only what both read as
//! the very value is written.

use keyferry::SecretValue;

use crate::secret_buffer::SecretBuffer;

use super::format::{Refusal, text};

/// Appends one line.
pub(super) fn push(out: &mut SecretBuffer, name: &str, value: &SecretValue) -> Result<(), Refusal> {
    let text = text(value)?;
    if text.contains("${") {
        return Err("the value holds `${`, which readers of the format expand");
    }
    if text.starts_with("secret://") {
        return Err("the value starts like a reference, as which `--env-file` would read it");
    }
    out.push_str(name);
    out.push_str("=");
    if !text.contains(['\'', '\\', '\n', '\r']) {
        out.push_str("'");
        out.push_str(text);
        out.push_str("'");
    } else if !text.ends_with('\\') {
        push_double_quoted(out, text);
    } else if is_plain(text) {
        out.push_str(text);
    } else {
        // Older readers take a backslash before the closing quote for its escape.
        return Err("the value needs quotes and ends in a backslash");
    }
    out.push_str("\n");
    Ok(())
}

fn push_double_quoted(out: &mut SecretBuffer, text: &str) {
    out.push_str("\"");
    for c in text.chars() {
        let mut utf8 = [0; 4];
        out.push_str(match c {
            '\n' => "\\n",
            '\r' => "\\r",
            '"' => "\\\"",
            '\\' => "\\\\",
            _ => c.encode_utf8(&mut utf8),
        });
    }
    out.push_str("\"");
}

/// Whether every reader takes the text as it stands, without quotes.
fn is_plain(text: &str) -> bool {
    !text.contains(|c: char| c.is_whitespace() || c.is_control())
        && !text.starts_with(['\'', '"', '`', '#'])
}
