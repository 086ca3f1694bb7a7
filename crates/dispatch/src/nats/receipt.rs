//! Settling a ticket, by a message to its reply subject.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::mpsc;

use super::link::Link;
use crate::Result;
use crate::queue::Receipt;

/// Maximum delay requested from the server. When the ticket is delivered, its due time is checked
/// again.
const MAX_DELAY: Duration = Duration::from_hours(24);
/// It was dealt with.
pub(super) const ACK: &[u8] = b"+ACK";
/// It goes back at once.
const NAK: &[u8] = b"-NAK";
/// It is still held.
const PROGRESS: &[u8] = b"+WPI";
/// It is never to come again.
const TERM: &[u8] = b"+TERM";

/// Where the words about one ticket go.
#[derive(Debug)]
pub(super) struct NatsReceipt {
    link: Arc<Link>,
    address: String,
    /// Takes the address of a ticket that nobody settled; gone once it is settled.
    let_fall: Option<mpsc::UnboundedSender<String>>,
}

impl NatsReceipt {
    pub(super) fn new(
        link: Arc<Link>,
        address: String,
        let_fall: mpsc::UnboundedSender<String>,
    ) -> Self {
        Self {
            link,
            address,
            let_fall: Some(let_fall),
        }
    }

    /// It is handed out again when `delay` has passed. Not confirmed: if it is lost, the ticket
    /// comes back by itself.
    pub(super) async fn postpone(mut self, delay: Duration) -> Result<()> {
        self.let_fall = None;
        self.say(nak(delay)).await
    }

    /// It is never handed out again.
    pub(super) async fn bury(mut self) -> Result<()> {
        self.let_fall = None;
        self.say(Bytes::from_static(TERM)).await
    }

    async fn say(&self, word: Bytes) -> Result<()> {
        let told = self.link.client.publish(self.address.clone(), word);
        self.link.ask(told).await
    }
}

#[async_trait]
impl Receipt for NatsReceipt {
    async fn ack(mut self: Box<Self>) -> Result<()> {
        // Whatever comes of it, the ticket is not given back: if this fails it comes again when
        // its time with this worker is over.
        self.let_fall = None;
        self.link.confirmed(&self.address, ACK).await
    }

    async fn nak(mut self: Box<Self>, delay: Duration) -> Result<()> {
        self.let_fall = None;
        let request = self.link.client.request(self.address.clone(), nak(delay));
        self.link.ask(request).await.map(|_| ())
    }

    async fn in_progress(&self) -> Result<()> {
        self.link.confirmed(&self.address, PROGRESS).await
    }
}

impl Drop for NatsReceipt {
    fn drop(&mut self) {
        if let Some(let_fall) = self.let_fall.take() {
            // If nobody takes it any more, the process ends: the ticket comes back by itself.
            let _ = let_fall.send(std::mem::take(&mut self.address));
        }
    }
}

/// Gives back what was dropped, which cannot wait for the server itself.
pub(super) async fn give_back_fallen(link: Arc<Link>, mut fallen: mpsc::UnboundedReceiver<String>) {
    while let Some(address) = fallen.recv().await {
        let told = link.client.publish(address, Bytes::from_static(NAK));
        if let Err(error) = link.ask(told).await {
            tracing::debug!(%error, "a ticket was not given back; it comes back by itself");
        }
    }
}

/// The word that gives a ticket back for later.
fn nak(delay: Duration) -> Bytes {
    if delay.is_zero() {
        return Bytes::from_static(NAK);
    }
    let delay_ns = delay.min(MAX_DELAY).as_nanos();
    format!("-NAK {{\"delay\":{delay_ns}}}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_told_in_nanoseconds() {
        assert_eq!(nak(Duration::ZERO), "-NAK");
        assert_eq!(
            nak(Duration::from_millis(1500)),
            "-NAK {\"delay\":1500000000}"
        );
        assert_eq!(nak(Duration::MAX), "-NAK {\"delay\":86400000000000}");
    }
}
