//! Series of metrics as the journal keeps them beside the sums of a window.
//!
//! One after the other: the length of the name and the name, the unit's code, and in little endian the count
//! (u32) and least, most and mean (f32, seven digits). A window of a check over HTTP is some 90 bytes, which
//! is 3 for each of its outcomes.

use crate::core::metric::{Series, Unit};

/// The bytes.
pub(super) fn pack(all: &[Series]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(all.len() * 24);
    for series in all {
        let name = series.name.as_bytes();
        let Ok(length) = u8::try_from(name.len()) else {
            continue;
        };
        bytes.push(length);
        bytes.extend_from_slice(name);
        bytes.push(series.unit.code());
        bytes.extend_from_slice(&series.count.to_le_bytes());
        for value in [series.least, series.most, series.mean] {
            bytes.extend_from_slice(&narrow(value).to_le_bytes());
        }
    }
    bytes
}

/// What [`pack`] wrote; what cannot be read any more is left out.
pub(super) fn unpack(mut bytes: &[u8]) -> Vec<Series> {
    let mut all = Vec::new();
    while let Some(series) = next(&mut bytes) {
        all.push(series);
    }
    all
}

fn next(bytes: &mut &[u8]) -> Option<Series> {
    let (&length, rest) = bytes.split_first()?;
    let (name, rest) = rest.split_at_checked(length.into())?;
    let (&unit, rest) = rest.split_first()?;
    let (count, rest) = rest.split_first_chunk()?;
    let (least, rest) = rest.split_first_chunk()?;
    let (most, rest) = rest.split_first_chunk()?;
    let (mean, rest) = rest.split_first_chunk()?;
    *bytes = rest;
    let value = |bytes: &[u8; 4]| f64::from(f32::from_le_bytes(*bytes));
    Some(Series {
        name: String::from_utf8_lossy(name).into(),
        unit: *Unit::ALL.get(usize::from(unit))?,
        count: u32::from_le_bytes(*count),
        least: value(least),
        most: value(most),
        mean: value(mean),
    })
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "seven digits are enough to draw"
)]
fn narrow(value: f64) -> f32 {
    value as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_unpacked_and_what_is_cut_is_left_out() {
        let series = |name: &str, unit, mean| Series {
            name: name.into(),
            unit,
            count: 300,
            least: 0.5,
            most: 1_048_576.0,
            mean,
        };
        let all = vec![
            series("first byte", Unit::Seconds, 0.75),
            series("größe", Unit::Bytes, 2.0),
        ];
        let bytes = pack(&all);
        assert_eq!(unpack(&bytes), all);
        for end in 0..bytes.len() {
            let cut = unpack(&bytes[..end]);
            assert_eq!(cut, all[..cut.len()]);
        }
    }
}
