//! Stories about the journal, told to real files.

mod archive;
mod damage;
mod figures;
mod full;
pub(crate) mod hang;
mod locks;
mod made;
mod reading;
mod restoring;
pub(crate) mod story;
mod upkeep;
