//! The 48 bytes of NTP (RFC 5905, section 7.3). Pure.

/// Length of a packet without extensions.
const LENGTH: usize = 48;
/// Version 4, mode 3 (client).
const CLIENT: u8 = 0x23;
/// Mode 4.
const SERVER: u8 = 4;
/// From 1900 to 1970, in seconds.
const TO_UNIX: i128 = 2_208_988_800;
const NANOS: i128 = 1_000_000_000;
/// The timestamps begin anew after so many seconds, next in 2036.
const ERA: i128 = 1 << 32;

/// What a server said. Times in nanoseconds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reply {
    /// 3 where it is not synchronised.
    pub(super) leap: u8,
    pub(super) stratum: u8,
    /// Who it follows, or with stratum 0 why it does not answer.
    pub(super) reference: [u8; 4],
    /// How far its clock is ahead of ours.
    pub(super) offset: i128,
    /// How long question and answer were on their way.
    pub(super) delay: i128,
    /// How far it may be from a clock, by its own account.
    pub(super) dispersion: i128,
    /// Whether it said what time it is.
    pub(super) has_time: bool,
}

/// A question. Nothing of it is our time: a number that cannot be guessed serves as well (RFC 8915, section 5.7),
/// and what comes back must be that.
pub(super) fn question(number: u64) -> Vec<u8> {
    let mut packet = vec![0; LENGTH - 8];
    packet[0] = CLIENT;
    packet.extend_from_slice(&number.to_be_bytes());
    packet
}

impl Reply {
    /// Reads an answer to question `number`, which was sent and received at these times of our clock (Unix);
    /// none where it is something else.
    pub(super) fn read(bytes: &[u8], number: u64, (sent, received): (i128, i128)) -> Option<Self> {
        let packet: &[u8; LENGTH] = bytes.first_chunk()?;
        let word = |at: usize| Some(u32::from_be_bytes(*packet.get(at..)?.first_chunk()?));
        let stamp = |at: usize| Some(u64::from_be_bytes(*packet.get(at..)?.first_chunk()?));
        if packet[0] & 7 != SERVER || stamp(24)? != number {
            return None;
        }
        let heard = nanos(stamp(32)?, sent);
        let answered = nanos(stamp(40)?, sent);
        Some(Self {
            leap: packet[0] >> 6,
            stratum: packet[1],
            reference: word(12)?.to_be_bytes(),
            offset: i128::midpoint(heard - sent, answered - received),
            delay: (received - sent) - (answered - heard),
            dispersion: (i128::from(word(8)?) * NANOS) >> 16,
            has_time: stamp(40)? != 0,
        })
    }
}

/// A timestamp as nanoseconds since 1970, in the era that is nearest to `near`.
fn nanos(stamp: u64, near: i128) -> i128 {
    let seconds = i128::from(stamp >> 32) - TO_UNIX;
    let fraction = (i128::from(stamp & 0xffff_ffff) * NANOS) >> 32;
    let eras = (near / NANOS - seconds + ERA / 2).div_euclid(ERA);
    (seconds + eras * ERA) * NANOS + fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The timestamp of so many nanoseconds since 1970.
    fn stamp(nanos: i128) -> [u8; 8] {
        let seconds = (nanos.div_euclid(NANOS) + TO_UNIX).rem_euclid(ERA);
        let fraction = (nanos.rem_euclid(NANOS) << 32) / NANOS;
        let both = (seconds << 32) | fraction;
        u64::try_from(both).unwrap().to_be_bytes()
    }

    fn answer(number: u64, heard: i128, answered: i128) -> Vec<u8> {
        let mut packet = vec![
            0x24, 2, 6, 0xe9, 0, 0, 0, 0, 0, 0, 0x80, 0, b'G', b'P', b'S', 0,
        ];
        packet.extend_from_slice(&[0; 8]);
        packet.extend_from_slice(&number.to_be_bytes());
        packet.extend_from_slice(&stamp(heard));
        packet.extend_from_slice(&stamp(answered));
        packet
    }

    #[test]
    fn offset_and_delay_follow_from_four_times_in_every_era() {
        // 2026, and 2040, when the seconds have begun anew.
        for now in [1_790_000_000 * NANOS, 2_220_000_000 * NANOS] {
            let ahead = 3_000_000;
            let bytes = answer(7, now + ahead + 10_000, now + ahead + 30_000);
            let reply = Reply::read(&bytes, 7, (now, now + 40_000)).unwrap();
            assert!((reply.offset - ahead).abs() < 5, "{reply:?}");
            assert!((reply.delay - 20_000).abs() < 5, "{reply:?}");
            assert_eq!(
                (reply.leap, reply.stratum, reply.dispersion),
                (0, 2, NANOS / 2)
            );
            assert!(reply.has_time);
        }
    }

    #[test]
    fn what_is_no_answer_to_our_question_is_none() {
        let good = answer(7, 0, 0);
        assert!(Reply::read(&good, 7, (0, 0)).is_some());
        assert_eq!(Reply::read(&good, 8, (0, 0)), None);
        assert_eq!(Reply::read(&good[..47], 7, (0, 0)), None);
        assert_eq!(Reply::read(&question(7), 7, (0, 0)), None);
        assert_eq!(question(7).len(), LENGTH);
    }
}
