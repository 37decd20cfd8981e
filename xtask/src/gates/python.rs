//! The published Python packages that the differential tests need are at hand.

use super::Passed;
use crate::failure::Failure;
use crate::project::Project;
use crate::python;

pub(super) fn run(project: &Project) -> Result<Passed, Failure> {
    let python = python::interpreter(project)?;
    Ok(Passed::note(format!(
        "{}={}",
        python::VARIABLE,
        python.display()
    )))
}
