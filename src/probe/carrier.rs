//! Drives a connection and what is asked over it within one task, so that nothing is spawned and nothing
//! outlives the look.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

/// Runs `exchange` to its end, and `carrier`, which moves its bytes, alongside. Says also how the carrier
/// ended, where it did.
///
/// A carrier that has ended is dropped at once: a library may keep the other end of what the exchange
/// waits for in it, and the exchange would wait for ever.
pub(super) async fn alongside<C: Future + Unpin, E: Future>(
    carrier: &mut Option<C>,
    exchange: E,
) -> (E::Output, Option<C::Output>) {
    let mut exchange = pin!(exchange);
    let mut ended = None;
    let answer = poll_fn(|cx| {
        if let Some(running) = carrier
            && let Poll::Ready(how) = Pin::new(running).poll(cx)
        {
            *carrier = None;
            ended = Some(how);
        }
        exchange.as_mut().poll(cx)
    })
    .await;
    (answer, ended)
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use super::*;

    #[tokio::test]
    async fn an_exchange_sees_that_its_carrier_is_gone() {
        let (sender, receiver) = tokio::sync::oneshot::channel::<()>();
        // Holds the sender beyond its end, as tokio-postgres does.
        let carrier = poll_fn(move |_| Poll::Ready(u8::from(!sender.is_closed())));
        let (answer, ended) = alongside(&mut Some(carrier), receiver).await;
        assert!(answer.is_err());
        assert_eq!(ended, Some(1));
        assert_eq!(
            alongside(&mut None::<std::future::Ready<()>>, ready(1)).await,
            (1, None)
        );
    }
}
