//! What answers, and their absence, are worth. Pure.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use super::Asked;
use super::ask::Said;
use crate::core::outcome::{Outcome, Verdict};

/// Most addresses that are remembered; a machine that travels forgets where it was.
const REMEMBERED: usize = 64;

/// What one look leaves for the next.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    /// Who has answered since the start, of those that the system named.
    answered: BTreeSet<IpAddr>,
    /// Whether there ever was a default route.
    had_route: bool,
}

impl Memory {
    fn has_answered(&mut self, ip: IpAddr) {
        if self.answered.len() >= REMEMBERED {
            self.answered.clear();
        }
        self.answered.insert(ip);
    }
}

/// Isolated are we only where somebody is silent whose silence says something: whom the configuration names, or
/// who has answered before. `has_route`: whether there is a default route, where that is asked for.
pub(super) fn judge(
    asked: &[Asked],
    said: &[Option<Said>],
    has_route: Option<bool>,
    took: Duration,
    memory: &mut Memory,
) -> Outcome {
    let is_gone = has_route == Some(false) && memory.had_route;
    memory.had_route |= has_route == Some(true);
    let both = || asked.iter().zip(said);
    let answer = both().find(|(_, said)| **said == Some(Said::Something));
    if let Some((asked, _)) = answer {
        if asked.is_found {
            memory.has_answered(asked.at.ip());
        }
        return Outcome::timed(Verdict::Pass, took, &format!("{} answers", asked.who), "");
    }
    let silent = both().filter(|(_, said)| **said == Some(Said::Nothing));
    let telling = silent
        .filter(|(asked, _)| !asked.is_found || memory.answered.contains(&asked.at.ip()))
        .map(|(asked, _)| format!("{} {}", asked.who, asked.how.silence()));
    let route = is_gone.then(|| "the default route is gone".to_owned());
    let why: Vec<String> = route.into_iter().chain(telling).collect();
    if !why.is_empty() {
        return Outcome::fail(&format!("isolated: {}", why.join("; ")));
    }
    // Nobody's silence says anything. Where one that was named could not be asked, that has to be put right.
    let not_asked = both().find_map(|(asked, said)| match said {
        Some(Said::NotAsked(why)) if !asked.is_found => Some(why),
        Some(Said::NotAsked(_) | Said::Something | Said::Nothing) | None => None,
    });
    match not_asked {
        Some(why) => Outcome::unknown(&format!("nobody could be asked: {why}")),
        None if asked.is_empty() => Outcome::pass(
            "no gateway and no name server beyond this machine, so nothing is taken for isolation",
        ),
        None => {
            let who: Vec<&str> = asked.iter().map(|asked| asked.who.as_str()).collect();
            Outcome::pass(&format!(
                "{} never answered yet, so nothing is taken for isolation",
                who.join(" and ")
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::ask::How;
    use super::*;

    fn found(who: &str, how: How, ip: [u8; 4]) -> Asked {
        Asked {
            who: who.to_owned(),
            how,
            at: (ip, 0).into(),
            is_found: true,
        }
    }

    fn usual() -> [Asked; 2] {
        [
            found("the gateway 10.0.0.1", How::Ping, [10, 0, 0, 1]),
            found("the name server 10.0.0.53", How::Dns, [10, 0, 0, 53]),
        ]
    }

    const ANSWER: Option<Said> = Some(Said::Something);
    const SILENCE: Option<Said> = Some(Said::Nothing);

    fn judged(
        asked: &[Asked],
        said: &[Option<Said>],
        has_route: Option<bool>,
        memory: &mut Memory,
    ) -> String {
        let took = Duration::from_millis(12);
        let outcome = judge(asked, said, has_route, took, memory);
        assert_eq!(
            outcome.latency_us.is_some(),
            outcome.message().contains(" answers in "),
            "only an answer takes time"
        );
        format!("{}: {}", outcome.verdict.word(), outcome.message())
    }

    #[test]
    fn silence_says_something_only_of_who_has_answered_before() {
        let (asked, mut memory) = (usual(), Memory::default());
        let route = Some(true);
        let nobody = [SILENCE, SILENCE];
        assert_eq!(
            judged(&asked, &nobody, route, &mut memory),
            "pass: the gateway 10.0.0.1 and the name server 10.0.0.53 never answered yet, so nothing is taken for isolation"
        );
        assert_eq!(
            judged(&asked, &[SILENCE, ANSWER], route, &mut memory),
            "pass: the name server 10.0.0.53 answers in 12 ms"
        );
        assert_eq!(
            judged(&asked, &nobody, route, &mut memory),
            "fail: isolated: the name server 10.0.0.53 does not answer"
        );
        assert_eq!(
            judged(&asked, &[ANSWER, None], route, &mut memory),
            "pass: the gateway 10.0.0.1 answers in 12 ms"
        );
        assert_eq!(
            judged(&asked, &nobody, route, &mut memory),
            "fail: isolated: the gateway 10.0.0.1 does not answer pings; the name server 10.0.0.53 does not answer"
        );
    }

    #[test]
    fn a_route_that_was_there_and_is_gone_is_isolation() {
        let mut memory = Memory::default();
        let none = "pass: no gateway and no name server beyond this machine, so nothing is taken for isolation";
        assert_eq!(judged(&[], &[], Some(false), &mut memory), none);
        assert_eq!(judged(&[], &[], Some(true), &mut memory), none);
        let gone = "fail: isolated: the default route is gone";
        assert_eq!(judged(&[], &[], Some(false), &mut memory), gone);
        let [_, server] = usual();
        let answers = "pass: the name server 10.0.0.53 answers in 12 ms";
        assert_eq!(
            judged(&[server], &[ANSWER], Some(false), &mut memory),
            answers
        );
    }

    #[test]
    fn whom_the_configuration_names_always_counts_unless_nobody_could_ask() {
        let named = Asked {
            is_found: false,
            ..found("192.0.2.1:443", How::Tcp, [192, 0, 2, 1])
        };
        let mut memory = Memory::default();
        let asked = [named];
        assert_eq!(
            judged(&asked, &[SILENCE], None, &mut memory),
            "fail: isolated: 192.0.2.1:443 does not answer"
        );
        let not_asked = Some(Said::NotAsked("too many open files".to_owned()));
        assert_eq!(
            judged(&asked, &[not_asked], None, &mut memory),
            "unknown: nobody could be asked: too many open files"
        );
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut memory = Memory::default();
        for number in 0..1_000u32 {
            memory.has_answered(IpAddr::from(number.to_be_bytes()));
        }
        assert!(memory.answered.len() <= REMEMBERED);
    }
}
