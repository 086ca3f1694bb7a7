//! One value that many may watch, read for all of them at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, sleep_until};

use super::{AGAIN, LOOK_AGAIN, PACE};
use crate::Service;
use crate::error::Result;

/// A value and its watchers. Nothing is read while there are none.
#[derive(Debug)]
pub struct Slot<T> {
    doubt: Notify,
    /// `None` until it was read for the first watcher.
    value: watch::Sender<Option<Arc<T>>>,
    busy: AtomicBool,
}

impl<T: PartialEq + Send + Sync + 'static> Slot<T> {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            doubt: Notify::new(),
            value: watch::Sender::new(None),
            busy: AtomicBool::new(false),
        })
    }

    /// Has the value read again soon, if anybody watches.
    pub fn doubt(&self) {
        if self.busy.load(Ordering::SeqCst) {
            self.doubt.notify_one();
        }
    }

    /// Watches it. `read` reads the value as it is; the first watcher's is used for all.
    pub fn watch<F>(
        self: &Arc<Self>,
        service: &Service,
        read: impl Fn(Service) -> F + Send + Sync + 'static,
    ) -> watch::Receiver<Option<Arc<T>>>
    where
        F: Future<Output = Result<T>> + Send,
    {
        let receiver = self.value.subscribe();
        if self.busy.swap(true, Ordering::SeqCst) {
            // What the task has may be older than this watcher.
            self.doubt.notify_one();
        } else {
            let (slot, service, read) = (Arc::clone(self), service.clone(), Arc::new(read));
            super::keep("what operators watch", move || {
                let (slot, service, read) = (Arc::clone(&slot), service.clone(), Arc::clone(&read));
                async move { slot.keep(service, &*read).await }
            });
        }
        receiver
    }

    async fn keep<F>(&self, service: Service, read: impl Fn(Service) -> F)
    where
        F: Future<Output = Result<T>>,
    {
        loop {
            let mut pause = PACE;
            match read(service.clone()).await {
                Ok(value) => {
                    self.value.send_if_modified(|known| {
                        let changed = known.as_deref() != Some(&value);
                        if changed {
                            *known = Some(Arc::new(value));
                        }
                        changed
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "what is watched could not be read");
                    self.doubt.notify_one();
                    pause = AGAIN;
                }
            }
            let earliest = Instant::now() + pause;
            let unwatched = async {
                self.value.closed().await;
                // Whoever comes and goes often does not start a task each time.
                sleep(AGAIN).await;
            };
            tokio::select! {
                () = self.doubt.notified() => sleep_until(earliest).await,
                () = sleep(LOOK_AGAIN) => {}
                () = unwatched => {
                    // Whoever comes next must not be shown what is old by then.
                    self.value.send_replace(None);
                    self.busy.store(false, Ordering::SeqCst);
                    // Somebody who came at this moment has seen that it was busy.
                    if self.value.receiver_count() == 0 || self.busy.swap(true, Ordering::SeqCst) {
                        return;
                    }
                }
            }
        }
    }
}
