//! Many batches as one JSON text that Postgres reads without a complaint. No SQL here.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::core::time::Time;
use crate::journal::Shipment;

use super::schema::Month;

/// The batches as one array, `[{"seq":1,"rows":{…}},…]`.
pub(super) fn join<'a>(batches: impl Iterator<Item = &'a Shipment>) -> String {
    let mut text = String::from("[");
    for batch in batches {
        if text.len() > 1 {
            text.push(',');
        }
        let (seq, rows) = (batch.seq, storable(&batch.json));
        for part in ["{\"seq\":", &seq.to_string(), ",\"rows\":", &rows, "}"] {
            text.push_str(part);
        }
    }
    text.push(']');
    text
}

/// `json` without NUL, which Postgres has not in its texts and would refuse the whole document for. It is
/// still JSON, on whatever level of quoting the `\u0000` stood; only who wrote these very six characters
/// finds them changed.
pub(super) fn storable(json: &str) -> String {
    json.replace("\\u0000", "\\ufffd")
}

/// The months of the outcomes in a batch; none when it cannot be read, which Postgres then says better.
pub(super) fn months(batch: &Shipment) -> BTreeSet<Month> {
    #[derive(Deserialize)]
    struct Rows {
        #[serde(default)]
        outcomes: Vec<Row>,
    }
    #[derive(Deserialize)]
    struct Row {
        at: Time,
    }
    let rows = serde_json::from_str(&batch.json).unwrap_or(Rows {
        outcomes: Vec::new(),
    });
    rows.outcomes.iter().map(|row| Month::of(row.at)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nul_is_replaced_on_every_level_of_quoting() {
        let event = serde_json::to_string("a\0b").unwrap();
        let document = serde_json::to_string(&[&event, "\0", "\\ \n é"]).unwrap();
        let back: Vec<String> = serde_json::from_str(&storable(&document)).unwrap();
        assert_eq!(back[0], "\"a\\ufffdb\"");
        assert_eq!(&back[1..], ["\u{fffd}", "\\ \n é"]);
    }

    #[test]
    fn batches_become_one_array() {
        let batch = |seq, json: &str| Shipment {
            seq,
            at: Time::from_millis(1),
            json: json.to_owned(),
        };
        assert_eq!(join([].iter()), "[]");
        assert_eq!(
            join([batch(7, "{}"), batch(8, r#"{"checks":[]}"#)].iter()),
            r#"[{"seq":7,"rows":{}},{"seq":8,"rows":{"checks":[]}}]"#
        );
    }
}
