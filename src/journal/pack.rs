//! How many outcomes of one check become a few bytes. No SQL here.
//!
//! A block is, in variable-length integers (LEB128, signed ones zigzagged): the number of outcomes; the
//! first instant, the first step to the next one and then how much each step differs from the one before
//! it (a steady schedule gives differences of a few milliseconds); runs of equal texts (length, text); the
//! latencies plus one, zero for none.

/// One outcome as the journal has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look {
    /// Milliseconds since 1970.
    pub(super) at: i64,
    /// The text's number times four plus the verdict's code.
    pub(super) text: u64,
    pub(super) latency_us: Option<u64>,
}

/// The block of `looks`.
pub(super) fn pack(looks: &[Look]) -> Vec<u8> {
    let mut body = Vec::with_capacity(looks.len() * 6 + 16);
    put(&mut body, looks.len() as u64);
    let (mut last, mut step) = (0i64, 0i64);
    for look in looks {
        let next = look.at.wrapping_sub(last);
        put(&mut body, zigzag(next.wrapping_sub(step)));
        // The first "step" is the instant itself, which is no step to compare with.
        step = if last == 0 { 0 } else { next };
        last = look.at;
    }
    for run in looks.chunk_by(|a, b| a.text == b.text) {
        put(&mut body, run.len() as u64);
        put(&mut body, run.first().map_or(0, |look| look.text));
    }
    for look in looks {
        put(
            &mut body,
            look.latency_us.map_or(0, |us| us.saturating_add(1)),
        );
    }
    body
}

/// What [`pack`] packed; none when these bytes are no block.
pub(super) fn unpack(body: &[u8]) -> Option<Vec<Look>> {
    let mut bytes = body.iter().copied();
    let count = usize::try_from(take(&mut bytes)?).ok()?;
    // Each outcome takes more than a byte, so a damaged number cannot ask for much memory.
    if count > body.len() {
        return None;
    }
    let mut looks = Vec::with_capacity(count);
    let (mut last, mut step) = (0i64, 0i64);
    for _ in 0..count {
        let next = unzigzag(take(&mut bytes)?).wrapping_add(step);
        step = if last == 0 { 0 } else { next };
        last = last.wrapping_add(next);
        looks.push(Look {
            at: last,
            text: 0,
            latency_us: None,
        });
    }
    let mut begun = 0;
    while begun < count {
        let run = usize::try_from(take(&mut bytes)?).ok()?;
        let text = take(&mut bytes)?;
        let end = begun.checked_add(run).filter(|_| run > 0)?;
        looks
            .get_mut(begun..end)?
            .iter_mut()
            .for_each(|look| look.text = text);
        begun = end;
    }
    for look in &mut looks {
        look.latency_us = take(&mut bytes)?.checked_sub(1);
    }
    Some(looks)
}

fn put(body: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        body.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    body.push((value & 0x7f) as u8);
}

fn take(bytes: &mut impl Iterator<Item = u8>) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = bytes.next()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn zigzag(value: i64) -> u64 {
    (value.wrapping_shl(1) ^ (value >> 63)).cast_unsigned()
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn looks() -> impl Strategy<Value = Vec<Look>> {
        let look = (any::<i64>(), 0u64..9, proptest::option::of(0..u64::MAX)).prop_map(
            |(at, text, latency_us)| Look {
                at,
                text,
                latency_us,
            },
        );
        proptest::collection::vec(look, 0..50)
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_back(looks in looks()) {
            prop_assert_eq!(unpack(&pack(&looks)), Some(looks));
        }

        #[test]
        fn damaged_bytes_are_refused_or_read_but_never_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(unpack(&body));
        }
    }

    #[test]
    fn an_outcome_of_a_steady_check_takes_five_bytes() {
        let looks: Vec<Look> = (0..120)
            .map(|i| Look {
                at: 1_790_000_000_000 + i * 30_000 + i * 7 % 13,
                text: 40,
                latency_us: Some(12_000 + i.unsigned_abs() * 31 % 5_000),
            })
            .collect();
        let size = pack(&looks).len();
        assert!(size <= 120 * 5, "{size} bytes for 120 outcomes");
    }
}
