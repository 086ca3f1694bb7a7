//! The graphics cards of this machine, and which job is on which.

pub mod find;
pub mod sessions;

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clipsy_domain::worker::CardFound;

use find::{Card, Finder, View};
use sessions::{Limit, Locks};

/// Wait between two looks at whether there are enough sessions.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// How long a card comes last on which an encoder failed.
const SHUNNED: Duration = Duration::from_mins(10);

/// The cards that jobs are put on.
#[derive(Debug)]
pub struct Cards {
    finder: Finder,
    all: Vec<CardPlace>,
    limit: Option<Limit>,
}

#[derive(Debug)]
struct CardPlace {
    card: Card,
    /// Jobs of this process on it.
    jobs: AtomicU32,
    /// When an encoder failed on it last.
    failed: Mutex<Option<Instant>>,
}

impl CardPlace {
    fn is_shunned(&self) -> bool {
        let failed = *self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.is_some_and(|at| at.elapsed() < SHUNNED)
    }
}

/// A job's place on a card, with the sessions that it may open there. Held until this is dropped.
#[derive(Debug)]
pub struct CardHeld {
    cards: Arc<Cards>,
    /// Position among the cards; `None` where there is none, or all are seen.
    place: Option<usize>,
    #[expect(dead_code, reason = "they are locked while they are open")]
    sessions: Locks,
}

impl Drop for CardHeld {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.cards.all[place].jobs.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

impl CardHeld {
    /// How a child sees the card.
    pub fn view(&self) -> Option<View> {
        Some(self.cards.all[self.place?].card.view.clone())
    }

    /// Its position among the cards.
    pub fn place(&self) -> Option<usize> {
        self.place
    }

    /// The card in words.
    pub fn label(&self) -> Option<&str> {
        Some(&self.cards.all[self.place?].card.label)
    }

    /// True if there is another card to try; those in `tried` have failed. Nothing is held of it yet.
    pub fn has_other(&self, tried: &[usize]) -> bool {
        !self.others(tried).is_empty()
    }

    /// Another card for the same job; those in `tried`, this one among them, have failed. `None` if
    /// all have, or none has room.
    pub fn other(&self, tried: &[usize]) -> Option<CardHeld> {
        self.others(tried)
            .into_iter()
            .find_map(|place| Cards::take(&self.cards, Some(place)).ok()?)
    }

    /// Positions of the cards to try next, those of the same kind first.
    fn others(&self, tried: &[usize]) -> Vec<usize> {
        let Some(place) = self.place else {
            return Vec::new();
        };
        let all = &self.cards.all;
        let mut order = self.cards.by_room(tried);
        order.retain(|place| !all[*place].is_shunned());
        order.sort_by_key(|other| all[*other].card.kind != all[place].card.kind);
        order
    }

    /// Notes that an encoder failed on the card, and which one it is.
    pub fn shun(&self) -> Option<usize> {
        let place = self.place?;
        let mut failed = self.cards.all[place]
            .failed
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *failed = Some(Instant::now());
        Some(place)
    }
}

impl Cards {
    /// The cards of this machine; jobs on a card may open as many sessions as `limit` says.
    pub fn new(limit: Option<Limit>, visible: Option<String>) -> Self {
        let finder = Finder::new(visible);
        let place = |card| CardPlace {
            card,
            jobs: AtomicU32::new(0),
            failed: Mutex::default(),
        };
        Self {
            all: finder.find().into_iter().map(place).collect(),
            finder,
            limit,
        }
    }

    /// True if a job may have to wait for others.
    pub fn is_limited(&self) -> bool {
        self.limit.is_some()
    }

    /// A place on the card with most room, once there is one.
    pub async fn acquire(cards: &Arc<Self>) -> CardHeld {
        let mut complained = false;
        loop {
            // The files are tiny and local: nothing here waits.
            match Self::try_acquire(cards) {
                Ok(Some(held)) => return held,
                Ok(None) => {}
                Err(error) => {
                    if !complained {
                        tracing::warn!(%error, "sessions on the GPU cannot be counted");
                        complained = true;
                    }
                }
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// A place on the card with most room, or `None` if there is none anywhere.
    fn try_acquire(cards: &Arc<Self>) -> io::Result<Option<CardHeld>> {
        if cards.all.is_empty() {
            return Self::take(cards, None);
        }
        for place in cards.by_room(&[]) {
            if let Some(held) = Self::take(cards, Some(place))? {
                return Ok(Some(held));
            }
        }
        Ok(None)
    }

    fn take(cards: &Arc<Self>, place: Option<usize>) -> io::Result<Option<CardHeld>> {
        let name = place.map_or("", |place| cards.all[place].card.id.as_str());
        let sessions = match &cards.limit {
            Some(limit) => match limit.take(name)? {
                Some(locks) => locks,
                None => return Ok(None),
            },
            None => Locks::default(),
        };
        if let Some(place) = place {
            cards.all[place].jobs.fetch_add(1, Ordering::SeqCst);
        }
        Ok(Some(CardHeld {
            cards: Arc::clone(cards),
            place,
            sessions,
        }))
    }

    /// Positions of the cards other than `except`, the one with most room first.
    fn by_room(&self, except: &[usize]) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.all.len())
            .filter(|p| !except.contains(p))
            .collect();
        order.sort_by_cached_key(|place| {
            let place = &self.all[*place];
            let held = self.held(place);
            (place.is_shunned(), held, place.jobs.load(Ordering::SeqCst))
        });
        order
    }

    /// Sessions that jobs of this machine hold on a card.
    fn held(&self, place: &CardPlace) -> u16 {
        let limit = self.limit.as_ref();
        limit.map_or(0, |limit| limit.held(&place.card.id))
    }

    /// The cards as they are now.
    pub fn found(&self) -> Vec<CardFound> {
        let found = self.all.iter().map(|place| CardFound {
            jobs: place.jobs.load(Ordering::SeqCst),
            sessions: self.held(place).into(),
            session_limit: self.limit.as_ref().map(|limit| limit.most().into()),
            ..self.finder.look(&place.card)
        });
        found.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cards(kinds: &[&'static str], limit: Option<Limit>) -> Arc<Cards> {
        let place = |(number, kind): (usize, &&'static str)| CardPlace {
            card: Card {
                id: format!("card{number}"),
                label: format!("Card {number}"),
                kind,
                view: View {
                    nodes: Vec::new(),
                    variables: Vec::new(),
                    render_node: None,
                },
            },
            jobs: AtomicU32::new(0),
            failed: Mutex::default(),
        };
        Arc::new(Cards {
            finder: Finder::new(None),
            all: kinds.iter().enumerate().map(place).collect(),
            limit,
        })
    }

    fn take(cards: &Arc<Cards>) -> CardHeld {
        Cards::try_acquire(cards).unwrap().unwrap()
    }

    #[test]
    fn jobs_go_where_most_room_is() {
        let cards = cards(&["nvidia", "nvidia"], None);
        let first = take(&cards);
        let second = take(&cards);
        assert_eq!((first.place, second.place), (Some(0), Some(1)));
        drop(first);
        assert_eq!(take(&cards).place, Some(0));
    }

    #[test]
    fn each_card_has_sessions_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let limit = Limit::open(folder.path(), 4, 4).unwrap();
        let cards = cards(&["nvidia", "nvidia"], Some(limit));
        let held = (take(&cards), take(&cards));
        assert!(Cards::try_acquire(&cards).unwrap().is_none());
        assert_eq!(cards.found()[0].sessions, 4);
        drop(held.1);
        assert_eq!(take(&cards).place, Some(1));
    }

    #[test]
    fn a_sister_comes_before_a_card_of_another_kind() {
        let cards = cards(&["nvidia", "va", "nvidia"], None);
        let first = take(&cards);
        let mut tried = vec![first.shun().unwrap()];
        assert!(first.has_other(&tried));
        assert_eq!(cards.found()[2].jobs, 0, "asking takes no place");
        let second = first.other(&tried).unwrap();
        assert_eq!(second.place, Some(2));
        tried.push(second.shun().unwrap());
        let third = second.other(&tried).unwrap();
        assert_eq!(third.place, Some(1));
        tried.push(third.shun().unwrap());
        assert!(third.other(&tried).is_none());
    }

    #[test]
    fn a_machine_without_cards_has_a_place_all_the_same() {
        let cards = cards(&[], None);
        assert_eq!(take(&cards).view(), None);
    }
}
