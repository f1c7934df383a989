//! A small histogram of latencies that can be merged and asked for quantiles.
//!
//! Buckets grow by a tenth, so a quantile is at most 5 % off; a bucket number fits a byte. The idea is
//! `DDSketch` (Masson, Rim, Lee, VLDB 2019), the range one microsecond to ten hours.

use serde::{Deserialize, Serialize};

/// Growth from a bucket to the next.
const GROWTH: f64 = 1.1;

/// Counts per bucket, sorted by bucket, no zero counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sketch(Vec<(u8, u32)>);

/// The bucket that holds a latency; the last one holds all above ten hours.
pub fn bucket(latency_us: u64) -> u8 {
    let exact = as_f64(latency_us.max(1)).ln() / GROWTH.ln();
    // A float to integer cast saturates, so 255 is the most it can be; it is never negative.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturates, see above"
    )]
    let bucket = exact.floor() as u8;
    bucket
}

/// The middle of a bucket, in microseconds.
pub fn middle_us(bucket: u8) -> f64 {
    GROWTH.powf(f64::from(bucket) + 0.5)
}

impl Sketch {
    /// Of counts per bucket, in the order of the buckets.
    pub fn of(counts: impl IntoIterator<Item = (u8, u64)>) -> Self {
        let counts = counts.into_iter().filter(|&(_, count)| count > 0);
        Self(
            counts
                .map(|(bucket, count)| (bucket, u32::try_from(count).unwrap_or(u32::MAX)))
                .collect(),
        )
    }

    /// Counts one latency.
    pub fn add(&mut self, latency_us: u64) {
        self.add_to(bucket(latency_us), 1);
    }

    /// Counts all that `other` has counted.
    pub fn merge(&mut self, other: &Self) {
        for &(bucket, count) in &other.0 {
            self.add_to(bucket, count);
        }
    }

    /// The latency in microseconds below which the share `q` (0 to 1) of all lies; none when empty.
    pub fn quantile_us(&self, q: f64) -> Option<f64> {
        let total: u64 = self.0.iter().map(|&(_, count)| u64::from(count)).sum();
        let rank = q.clamp(0.0, 1.0) * as_f64(total.checked_sub(1)?);
        let mut seen = 0;
        let found = self.0.iter().find(|&&(_, count)| {
            seen += u64::from(count);
            as_f64(seen) > rank
        });
        found.map(|&(bucket, _)| middle_us(bucket))
    }

    /// How many latencies were counted.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|&(_, count)| u64::from(count)).sum()
    }

    /// Bucket and count pairs as bytes, for the journal: bucket, then the count as LEB128.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len() * 2);
        for &(bucket, mut count) in &self.0 {
            bytes.push(bucket);
            while count >= 0x80 {
                bytes.push(low_bits(count) | 0x80);
                count >>= 7;
            }
            bytes.push(low_bits(count));
        }
        bytes
    }

    /// What [`Self::to_bytes`] wrote; what cannot be read any more is left out.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut sketch = Self::default();
        let mut bytes = bytes.iter().copied();
        while let Some(bucket) = bytes.next() {
            let (mut count, mut shift) = (0u32, 0);
            for byte in bytes.by_ref() {
                count |= u32::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
                shift += 7;
                if byte < 0x80 {
                    break;
                }
            }
            if count > 0 {
                sketch.add_to(bucket, count);
            }
        }
        sketch
    }

    fn add_to(&mut self, bucket: u8, count: u32) {
        match self.0.binary_search_by_key(&bucket, |&(b, _)| b) {
            Ok(i) => self.0[i].1 = self.0[i].1.saturating_add(count),
            Err(i) => self.0.insert(i, (bucket, count)),
        }
    }
}

fn low_bits(count: u32) -> u8 {
    u8::try_from(count & 0x7f).unwrap_or(0x7f)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a rank among 2^53 latencies is exact enough"
)]
fn as_f64(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_five_percent() {
        let mut sketch = Sketch::default();
        (1..=10_000).for_each(|us| sketch.add(us));
        for (q, exact) in [(0.5, 5_000.0), (0.95, 9_500.0), (0.99, 9_900.0)] {
            let found = sketch.quantile_us(q).expect("not empty");
            assert!(
                (found / exact - 1.0).abs() < 0.05,
                "q{q}: {found} is not {exact}"
            );
        }
    }

    #[test]
    fn an_empty_sketch_has_no_quantile() {
        assert_eq!(Sketch::default().quantile_us(0.5), None);
    }

    #[test]
    fn bytes_come_back_as_they_went() {
        let mut sketch = Sketch::default();
        (0..100_000u64).for_each(|i| sketch.add(i * 37));
        assert_eq!(Sketch::from_bytes(&sketch.to_bytes()), sketch);
    }

    #[test]
    fn every_latency_has_a_bucket() {
        assert_eq!(bucket(0), 0);
        assert_eq!(bucket(u64::MAX), 255);
    }
}
