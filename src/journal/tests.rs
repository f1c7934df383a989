//! Stories about the journal, told to real files.

mod archive;
mod damage;
mod figures;
mod full;
mod restoring;
mod story;
mod upkeep;
