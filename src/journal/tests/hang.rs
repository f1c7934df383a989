//! A disk that does not answer.

use std::sync::mpsc;

use crate::journal::Journal;

/// The same journal by way of a disk that hangs: it takes orders, and does each when the gate lets it through.
/// When the gate is gone it does all.
pub(crate) fn hanging(journal: &Journal) -> (Journal, mpsc::Sender<()>) {
    let (orders, held) = mpsc::channel();
    let (gate, opened) = mpsc::channel();
    let behind = journal.orders.clone();
    std::thread::spawn(move || {
        for order in held {
            opened.recv().ok();
            if behind.send(order).is_err() {
                return;
            }
        }
    });
    let journal = Journal {
        orders,
        ..journal.clone()
    };
    (journal, gate)
}
