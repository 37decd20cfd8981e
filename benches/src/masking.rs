//! Masking log text.

use crate::table::Table;

pub(crate) fn run() -> Table {
    Table::new("Masking")
}
